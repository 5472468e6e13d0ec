/**
 * Opens a oneDNN that is installed on this machine; none is shipped.
 *
 * @module
 */
import { SYMBOLS, type Symbols, VERSION_SYMBOL } from "./symbols.ts";

/** A library that is open. */
export interface Library {
  /** What was opened: a path, or a name that the system has found. */
  readonly path: string;
  readonly version: LibraryVersion;
  readonly symbols: Symbols;
}

/** What a build says about itself. */
export interface LibraryVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** A bit of {@linkcode RUNTIME}: what its threads come from. */
  readonly cpuRuntime: number;
  /** 0: it knows no GPU. */
  readonly gpuRuntime: number;
}

/** Runtimes by `dnnl_config.h`. */
export const RUNTIME = { sequential: 1, openMp: 2, tbb: 4, threadPool: 8, sycl: 512 };

/** A library that cannot be used, and why. */
export class NativeLibraryError extends Error {
  override readonly name = "NativeLibraryError";
  /** The library; null: none was found. */
  readonly path: string | null;
  /** A clause: why it is not used. */
  readonly reason: string;

  constructor(path: string | null, reason: string, cause?: unknown) {
    super(
      path === null
        ? `Cannot use oneDNN: ${reason}`
        : `Cannot use "${path}" as oneDNN: ${reason}`,
      { cause },
    );
    this.path = path;
    this.reason = reason;
  }
}

// RTLD_NOW | RTLD_NODELETE
const NEVER_UNLOAD = 2 | (Deno.build.os === "darwin" ? 0x80 : 0x1000);

const NOT_ALLOWED = 'Deno was not allowed to call it; allow it with "--allow-ffi"';

/** Where a library may be, the first that is there being taken; names are looked up. */
export function knownLibraries(
  { os, arch }: Pick<typeof Deno.build, "os" | "arch"> = Deno.build,
): string[] {
  switch (os) {
    case "darwin":
      return ["/opt/homebrew/lib", "/usr/local/lib"].map((folder) =>
        `${folder}/libdnnl.3.dylib`
      );
    case "windows":
      return ["dnnl.dll"];
    default: {
      // The second is Debian's name for 3.6 and later.
      const names = ["libdnnl.so.3", "libdnnl.so.3.6"];
      const folders = ["", `/usr/lib/${arch}-linux-gnu/`, "/usr/local/lib/"];
      return folders.flatMap((folder) => names.map((name) => folder + name));
    }
  }
}

/** The one command that gets a library for this system. */
export async function installCommand(
  { os }: Pick<typeof Deno.build, "os"> = Deno.build,
  readText: (path: string) => Promise<string> = Deno.readTextFile,
): Promise<string> {
  if (os === "darwin") return "brew install onednn";
  if (os === "windows") {
    return "pip download --no-deps onednn-cpu-vcomp==2023.2.0, then unpack the .whl, a zip " +
      "archive, and give the path of dnnl.dll to --native";
  }
  const system = await readText("/etc/os-release").catch(() => "");
  const version = Number(/^VERSION_ID="?(\d+)/m.exec(system)?.[1]);
  if (/^ID=debian$/m.test(system) && !(version < 13)) {
    return "apt-get install libdnnl3.6";
  }
  return "pip download --no-deps onednn-cpu-gomp==2023.2.0 && " +
    "unzip -j onednn_cpu_gomp-*.whl '*/lib/libdnnl.so.3', then --native ./libdnnl.so.3";
}

/**
 * Opens the first library at a known place that can be used.
 *
 * @throws {NativeLibraryError} If there is none: about the one that came closest.
 */
export function findLibrary(places: readonly string[] = knownLibraries()): Library {
  let closest: NativeLibraryError | null = null;
  for (const path of places) {
    try {
      return openLibrary(path);
    } catch (error) {
      if (!(error instanceof NativeLibraryError)) throw error;
      if (error.path !== null) closest ??= error;
    }
  }
  throw closest ??
    new NativeLibraryError(
      null,
      'no library was found; "deno task doctor" says how to get one',
    );
}

/**
 * Opens a library and makes sure that it is a oneDNN that can be used here.
 *
 * @param path A path, or a name that the system looks up.
 * @throws {NativeLibraryError} If not; its `path` is null if there is no such file.
 */
export function openLibrary(path: string): Library {
  const version = readVersion(path);
  const problem = versionProblem(version);
  if (problem !== null) throw new NativeLibraryError(path, problem);
  try {
    const { symbols } = Deno.dlopen(path, SYMBOLS);
    // Deno closes it when it ends, while threads of OpenMP may still be at work in it.
    symbols.dlopen?.(new TextEncoder().encode(`${path}\0`), NEVER_UNLOAD);
    return { path, version, symbols };
  } catch (error) {
    throw new NativeLibraryError(path, openingProblem(error), error);
  }
}

/** Why a build cannot be used; null: it can. */
export function versionProblem(
  { major, minor, patch, cpuRuntime, gpuRuntime }: LibraryVersion,
): string | null {
  const version = [major, minor, patch].join(".");
  if (major !== 3) {
    return `it is version ${version}, which has other functions; install a version 3`;
  }
  if (cpuRuntime === RUNTIME.sycl || gpuRuntime !== 0) {
    return "it is a build for SYCL or GPUs, which brings compilers and drivers along; " +
      "install one for the CPU with OpenMP";
  }
  const { sequential, openMp, tbb } = RUNTIME;
  if (![sequential, openMp, tbb].includes(cpuRuntime)) {
    return `its threads come from an unknown runtime (${cpuRuntime}); install a build ` +
      "with OpenMP";
  }
  return null;
}

// A struct of three ints, a pointer and two ints.
function readVersion(path: string): LibraryVersion {
  try {
    const { symbols } = Deno.dlopen(path, VERSION_SYMBOL);
    const pointer = symbols.dnnl_version?.() ?? null;
    if (pointer === null) {
      throw new NativeLibraryError(path, 'it is another library, without "dnnl_version"');
    }
    const view = new Deno.UnsafePointerView(pointer);
    return {
      major: view.getInt32(0),
      minor: view.getInt32(4),
      patch: view.getInt32(8),
      cpuRuntime: view.getUint32(24),
      gpuRuntime: view.getUint32(28),
    };
  } catch (error) {
    if (error instanceof NativeLibraryError) throw error;
    const isMissing = isMissingFile(path, error);
    throw new NativeLibraryError(
      isMissing ? null : path,
      isMissing
        ? `there is no "${path}"; name another library, or leave --native out`
        : openingProblem(error),
      error,
    );
  }
}

// What the loader says of a name or path that leads nowhere; the wording is the system's.
function isMissingFile(path: string, error: unknown): boolean {
  const text = messageOf(error);
  if (!/no such file|not be found|image not found/i.test(text)) return false;
  // It may be there and need another library that is not.
  return text.split(": ").some((part) => part === path) || !text.includes(".so");
}

function openingProblem(error: unknown): string {
  if (error instanceof Deno.errors.NotCapable) return NOT_ALLOWED;
  const text = messageOf(error).replace(/^(Could not open library: )+/, "");
  const [, needed] = /^(\S*lib\S+): cannot open shared object file/.exec(text) ?? [];
  if (needed !== undefined) {
    return `it needs "${needed}", which is not installed` +
      (needed.startsWith("libgomp") ? '; run "apt-get install libgomp1"' : "");
  }
  const [, symbol] = /^Failed to register symbol (\w+)/.exec(text) ?? [];
  if (symbol !== undefined) return `it lacks the function "${symbol}"`;
  return `it cannot be opened (${text})`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
