#!/bin/sh
# Runs fst from the folder of this file, without a network: ./run.sh TASK [ARGUMENT...]
set -eu

id=@ID@
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
home=${FST_HOME:-$here/unpacked}
case $home in /*) ;; *) home=$(pwd)/$home ;; esac
root=$home/$id

fail() {
  echo "$*" >&2
  exit 1
}

usage() {
  cat <<END
Usage: $0 TASK [ARGUMENT...]

Runs a task of fst on this machine, without a network. What a task reads and writes is
below the project's folder, unless its path starts with a slash:
  $project

Examples:
  $0 doctor
  $0 train configs/demo.yaml --iterations 100
  $0 eval runs/demo/last.safetensors
  $0 test tests/core
  $0 deno run -A program.ts     any Deno command, in the current folder

The first start unpacks 150 MB into FST_HOME, or into "unpacked" beside this script.
END
}

# A part that ends in the middle leaves nothing behind, and of two that unpack at the same
# time the second gives way.
unpack() {
  [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] ||
    fail "Cannot run on $(uname -s) $(uname -m): the pack is for Linux x86_64"
  new=$home/.$id.$$
  mkdir -p "$new" 2>/dev/null ||
    fail "Cannot unpack into \"$home\": choose a folder with FST_HOME=FOLDER"
  trap 'rm -rf "$new"' EXIT
  trap 'exit 130' INT TERM
  echo "unpacking into $root" >&2
  xz=xz
  if ! command -v xz >/dev/null 2>&1; then
    mkdir "$new/xz"
    gzip -dc "$here/xz.tar.gz" | tar -xf - -C "$new/xz"
    xz=$new/xz/xz
  fi
  for part in "$here"/*.tar.xz; do
    LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}${LD_LIBRARY_PATH:+:}$new/xz \
      "$xz" -dc "$part" >"$new/part.tar" && tar -xof "$new/part.tar" -C "$new" ||
      fail "Cannot unpack \"$part\": it is damaged, or the disk of \"$home\" is full"
  done
  rm -rf "$new/part.tar" "$new/xz"
  if [ -d "$new/fst" ]; then # runs outlive the pack that made them
    mkdir -p "$home/runs"
    ln -s ../../runs "$new/fst/runs"
  fi
  [ -d "$root" ] || mv "$new" "$root"
  rm -rf "$new"
  trap - EXIT INT TERM
}

# Whether a file of the Vulkan loader names a driver.
has_driver() {
  [ -n "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ] && return
  for file in /etc/vulkan/icd.d/*.json /usr/share/vulkan/icd.d/*.json \
    /usr/local/share/vulkan/icd.d/*.json; do
    [ -f "$file" ] && return
  done
  return 1
}

# Adds the packed libraries that this machine lacks, and finds NVIDIA's driver where a
# container has it without saying so.
find_vulkan() {
  [ -d "$root/lib" ] || return 0
  # shellcheck disable=SC2046 # one word per name
  missing=$("$deno" eval --no-config '
    for (const name of Deno.args) {
      try {
        Deno.dlopen(name, {});
      } catch {
        console.log(name);
      }
    }' $(ls "$root/lib") libGLX_nvidia.so.0)
  for name in $missing; do
    [ -d "$root/lib/$name" ] || continue
    LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}${LD_LIBRARY_PATH:+:}$root/lib/$name
    export LD_LIBRARY_PATH
  done
  has_driver && return
  case $missing in *libGLX_nvidia*) nvidia= ;; *) nvidia=$root/lib/nvidia_icd.json ;; esac
  for file in /usr/local/nvidia/share/vulkan/icd.d/*.json \
    /usr/local/nvidia/vulkan/icd.d/*.json "$nvidia"; do
    if [ -f "$file" ]; then
      export VK_DRIVER_FILES="$file" VK_ICD_FILENAMES="$file" # the second for old loaders
      return
    fi
  done
}

project=$root/fst
case "$(ls "$here")" in *fst.tar.xz*) ;; *) project=$(pwd) ;; esac
case ${1:-} in '' | help | -h | --help)
  usage
  exit 0
  ;;
esac

[ -d "$root" ] || unpack
deno=$root/bin/deno
"$deno" --version >/dev/null || fail "Cannot start \"$deno\": may programs run there?"
export DENO_DIR="$root/cache" DENO_NO_UPDATE_CHECK=1 DENO_NO_PROMPT=1
export NPM_CONFIG_REGISTRY=https://registry.npmjs.org/ # the name of the packed cache
export PATH="$root/bin:$PATH"
find_vulkan

task=$1
shift
if [ "$task" = deno ]; then
  exec "$deno" "$@"
fi
cd "$project"
[ -f deno.json ] || fail "Cannot find the project: call this script in the folder of deno.json"
case $task in
  ok) fail 'Cannot run "ok": declarations are not packed; run "test", or "ok" where the pack was made' ;;
  test)
    [ $# -gt 0 ] || set -- tests/
    exec "$deno" test -A --no-check --parallel "$@"
    ;;
  *) exec "$deno" task --quiet "$task" "$@" ;;
esac
