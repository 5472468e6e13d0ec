/** What this machine can do for a run, and what is missing. @module */
import {
  type AdapterInfo,
  type BackendInfo,
  type CpuOptions,
  openBackend,
  probeAdapter,
} from "../core/backend.ts";
import { openMpiLibrary } from "../distributed/mpi_library.ts";
import type { NativeEngineInfo } from "../native/engine.ts";
import { installCommand, NativeLibraryError } from "../native/find_library.ts";
import { openNativeEngine } from "../native/open_engine.ts";
import type { CheckResult } from "./check.ts";
import { selfTest } from "./self_test.ts";
import { testOperations } from "./test_operations.ts";

/** A backend and its self-test. */
export interface BackendDiagnosis {
  /** Its name, and oneDNN where that computes. */
  readonly name: "wasm" | "wasm with oneDNN" | "webgpu";
  /** A line per result; empty if the backend did not start. */
  readonly checks: readonly CheckResult[];
  /** A line per operation with kernels of its own; of WebGPU only. */
  readonly operations: readonly CheckResult[];
  /** Why it could not be tested; null: it was. */
  readonly error: string | null;
}

/** oneDNN on this machine. */
export interface NativeDiagnosis {
  /** What it is; null: it cannot be used, or is not wanted. */
  readonly engine: NativeEngineInfo | null;
  /** Why it cannot be used; null: it can, or is not wanted. */
  readonly problem: string | null;
  /** The command that gets it for this system. */
  readonly install: string;
}

/** MPI on this machine. */
export interface MpiDiagnosis {
  /** Path and name with version; null: it cannot be used. */
  readonly library: { readonly path: string; readonly version: string } | null;
  /** Why it cannot be used; null: it can. */
  readonly problem: string | null;
}

/** What an examination has found. */
export interface Diagnosis {
  /** The GPU; null: none that WebGPU reaches. */
  readonly adapter: AdapterInfo | null;
  /** Drivers that are installed, as far as the system tells. */
  readonly drivers: readonly string[];
  /** What makes a CPU fast. */
  readonly native: NativeDiagnosis;
  /** The library of MPI, by which several processes train together. */
  readonly mpi: MpiDiagnosis;
  /** What "auto" takes, and why; null: nothing works. */
  readonly autoBackend: BackendInfo | null;
  /** All that could be there. */
  readonly backends: readonly BackendDiagnosis[];
  /** Why pictures in files cannot be read; null: they can. */
  readonly imageCodecError: string | null;
  /** What to do, a sentence each; empty: nothing. */
  readonly advice: readonly string[];
  /** Whether every self-test that could run has passed. */
  readonly passed: boolean;
}

/**
 * Examines the machine; leaves the backend that "auto" takes.
 *
 * @param cpu As for `openBackend`.
 * @param onProgress Called as kernels are compiled, then as operations are tested.
 * @throws {Error} If `cpu.native` is the path of a library that cannot be used.
 */
export async function diagnose(
  { native: choice = "auto", threads = 1 }: CpuOptions = {},
  onProgress: (what: string, done: number, total: number) => void = () => {},
): Promise<Diagnosis> {
  const adapter = await probeAdapter();
  const native = await diagnoseNative({ native: choice, threads });
  // First what may have several threads: the first call decides about their memory.
  const cpu = { native: choice, threads: native.engine?.threads ?? threads };
  const backends: BackendDiagnosis[] = [];
  if (native.engine !== null) {
    backends.push(await diagnoseBackend("wasm with oneDNN", cpu));
  }
  backends.unshift(await diagnoseBackend("wasm", { threads: cpu.threads }));
  if (adapter !== null) backends.push(await diagnoseWebGpu(onProgress));
  const autoBackend = await openBackend("auto", cpu).catch(() => null);
  const imageCodecError = await findImageCodecError();
  return {
    adapter,
    native,
    mpi: diagnoseMpi(),
    drivers: await installedDrivers(),
    autoBackend,
    backends,
    imageCodecError,
    advice: adviceFor(adapter, native, backends, imageCodecError),
    passed: backends.every(hasPassed),
  };
}

function hasPassed({ error, checks, operations }: BackendDiagnosis): boolean {
  return error === null && [...checks, ...operations].every(({ passed }) => passed);
}

async function diagnoseBackend(
  name: "wasm" | "wasm with oneDNN",
  cpu: CpuOptions = {},
): Promise<BackendDiagnosis> {
  try {
    await openBackend("wasm", cpu);
    return { name, checks: await selfTest(), operations: [], error: null };
  } catch (error) {
    return { name, checks: [], operations: [], error: messageOf(error) };
  }
}

async function diagnoseWebGpu(
  onProgress: (what: string, done: number, total: number) => void,
): Promise<BackendDiagnosis> {
  try {
    const operations = await testOperations(onProgress);
    return { name: "webgpu", checks: await selfTest(), operations, error: null };
  } catch (error) {
    return { name: "webgpu", checks: [], operations: [], error: messageOf(error) };
  }
}

async function diagnoseNative(
  { native: choice, threads }: Required<CpuOptions>,
): Promise<NativeDiagnosis> {
  const install = await installCommand();
  if (choice === "off") return { engine: null, problem: null, install };
  try {
    return { engine: openNativeEngine(choice, threads).info, problem: null, install };
  } catch (error) {
    if (choice !== "auto" || !(error instanceof NativeLibraryError)) throw error;
    const problem = error.path === null ? "it was not found" : error.message;
    return { engine: null, problem, install };
  }
}

function diagnoseMpi(): MpiDiagnosis {
  try {
    const { path, version } = openMpiLibrary({ launcher: "Open MPI" });
    return { library: { path, version }, problem: null };
  } catch (error) {
    return { library: null, problem: messageOf(error) };
  }
}

// The image library is a native one: it is the part that a platform may lack.
async function findImageCodecError(): Promise<string | null> {
  try {
    const { decodeImage, encodeJpeg } = await import("../formats/image_codec.ts");
    const grayImage = { width: 8, height: 8, data: new Uint8Array(192).fill(128) };
    await decodeImage(await encodeJpeg(grayImage), "a test image");
    return null;
  } catch (error) {
    return messageOf(error).split("\n", 1)[0] ?? "";
  }
}

/** Where Linux keeps the descriptions of Vulkan drivers. */
const ICD_FOLDERS = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"];

async function installedDrivers(): Promise<string[]> {
  if (Deno.build.os !== "linux") return [];
  const drivers: string[] = [];
  for (const folder of ICD_FOLDERS) {
    try {
      for await (const { name } of Deno.readDir(folder)) {
        drivers.push(`${folder}/${name}`);
      }
    } catch {
      // not there
    }
  }
  return drivers.sort();
}

function adviceFor(
  adapter: AdapterInfo | null,
  native: NativeDiagnosis,
  backends: readonly BackendDiagnosis[],
  imageCodecError: string | null,
): string[] {
  const advice: string[] = [];
  if (adapter === null) {
    advice.push(`No GPU is reachable: ${DRIVER_ADVICE[operatingSystem()]}`);
  } else if (adapter.software) {
    advice.push(
      "WebGPU is emulated on the CPU, so runs use WebAssembly: for a real GPU, " +
        DRIVER_ADVICE[operatingSystem()],
    );
  }
  if (native.problem !== null && (adapter === null || adapter.software)) {
    advice.push(
      `Training on this CPU would be up to twice as fast with oneDNN: ${native.install}`,
    );
  }
  for (const backend of backends) {
    if (hasPassed(backend)) continue;
    const { name } = backend;
    advice.push(
      name === "webgpu"
        ? 'WebGPU computes wrong results here: update the driver, or use "--backend wasm"'
        : name === "wasm with oneDNN"
        ? 'oneDNN computes wrong results here: install another version, or use "--native off"'
        : "WebAssembly does not work here: install Deno 2.9 or later and allow reading",
    );
  }
  if (imageCodecError !== null) {
    advice.push(
      `Image files cannot be read (${imageCodecError}): allow "--allow-ffi", and clear ` +
        '"node_modules" if it was made on another system',
    );
  }
  return advice;
}

const DRIVER_ADVICE = {
  linux: "install the Vulkan driver of its maker (AMD and Intel: " +
    '"apt-get install libvulkan1 mesa-vulkan-drivers"; NVIDIA: its own driver and ' +
    '"libvulkan1")',
  darwin: "use macOS 12 or later on the machine itself: Metal is a part of it",
  windows: "install the driver of its maker, which brings Direct3D 12",
  other: "install a Vulkan driver",
} as const;

function operatingSystem(): keyof typeof DRIVER_ADVICE {
  const { os } = Deno.build;
  return os === "linux" || os === "darwin" || os === "windows" ? os : "other";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
