/** Programs and libraries of this system that a pack contains. @module */
import { delimiter, join } from "node:path";
import type { PackedFile } from "./archive.ts";

/** Where distributions store libraries for x86-64; searched after `LD_LIBRARY_PATH`. */
const LIBRARY_FOLDERS = [
  "/lib/x86_64-linux-gnu",
  "/usr/lib/x86_64-linux-gnu",
  "/lib64",
  "/usr/lib64",
  "/usr/local/lib",
  "/usr/lib",
];

/**
 * What NVIDIA's Vulkan driver loads even without a display, and the dependencies of that.
 * If a small system lacks them, the loader reports that there is no driver.
 */
const X11_LIBRARIES = [
  "libX11.so.6",
  "libXext.so.6",
  "libxcb.so.1",
  "libXau.so.6",
  "libXdmcp.so.6",
  "libbsd.so.0",
  "libmd.so.0",
];

/** Registers NVIDIA's driver with the Vulkan loader if its own manifest is missing. */
const NVIDIA_MANIFEST = {
  "file_format_version": "1.0.0",
  ICD: { "library_path": "libGLX_nvidia.so.0", "api_version": "1.3.0" },
};

async function findFile(
  name: string,
  folders: readonly string[],
): Promise<string | null> {
  for (const folder of folders) {
    const info = await Deno.stat(join(folder, name)).catch(() => null);
    if (info?.isFile) return join(folder, name);
  }
  return null;
}

const foldersFromEnv = (variable: string) =>
  (Deno.env.get(variable) ?? "").split(delimiter).filter((folder) => folder !== "");

const findLibrary = (name: string) =>
  findFile(name, [...foldersFromEnv("LD_LIBRARY_PATH"), ...LIBRARY_FOLDERS]);

/**
 * Finds the Vulkan loader and the libraries that NVIDIA's driver needs, each in a folder
 * of its own, so that a machine uses exactly those that it lacks.
 *
 * @throws {Error} If this machine has no loader.
 */
export async function vulkanFiles(): Promise<PackedFile[]> {
  if (await findLibrary("libvulkan.so.1") === null) {
    throw new Error(
      'Cannot pack the Vulkan loader: "libvulkan.so.1" is not on this machine; install it ' +
        '(on Debian "apt-get install libvulkan1") or use "--without-vulkan"',
    );
  }
  const files: PackedFile[] = [{
    to: "lib/nvidia_icd.json",
    text: JSON.stringify(NVIDIA_MANIFEST),
  }];
  for (const name of ["libvulkan.so.1", ...X11_LIBRARIES]) {
    const from = await findLibrary(name);
    if (from !== null) files.push({ from, to: `lib/${name}/${name}` });
  }
  return files;
}

/**
 * Finds the program that unpacks a pack, for machines that have only gzip.
 *
 * @throws {Error} If this machine lacks it.
 */
export async function xzFiles(): Promise<PackedFile[]> {
  const program = await findFile("xz", foldersFromEnv("PATH"));
  if (program === null) {
    throw new Error(
      'Cannot pack: the program "xz" is not on this machine; install it (on Debian ' +
        '"apt-get install xz-utils")',
    );
  }
  const library = await findLibrary("liblzma.so.5"); // null: it is linked in
  return [
    { from: program, to: "xz" },
    ...(library === null ? [] : [{ from: library, to: "liblzma.so.5" }]),
  ];
}
