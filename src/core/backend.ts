/**
 * The backend in Deno: a GPU by WebGPU or the CPU by WebAssembly, whose tensors oneDNN
 * computes with, too, where it is installed and wanted.
 *
 * @module
 */
import { type NativeEngine, useNativeEngine } from "../native/engine.ts";
import { NativeLibraryError } from "../native/find_library.ts";
import { openNativeEngine } from "../native/open_engine.ts";
import { openWasmEngine, useWasmEngine, wasmEngine } from "../wasm/engine.ts";
import { isFasterWithThreads } from "../wasm/faster_threads.ts";
import { startThread } from "../wasm/start_thread.ts";
import {
  type AdapterInfo,
  type BackendChoice,
  type BackendInfo,
  chooseBackend,
  type EngineInfo,
  findAdapter,
} from "./device.ts";
import { OPERATING_SYSTEM } from "./environment.ts";
import { startWasm } from "./tfjs_wasm.ts";

export {
  type AdapterInfo,
  type BackendChoice,
  type BackendInfo,
  type EngineInfo,
  explainGpuError,
  openedGpu,
  readBack,
} from "./device.ts";

/** What computes on the CPU. */
export interface CpuOptions {
  /**
   * oneDNN: "auto" uses one that is installed at a known place, "off" none; else the path
   * of its library.
   * @default {"off"}
   */
  readonly native?: string;
  /**
   * Threads; "auto" takes one, or one per core where that is clearly faster at the moment.
   * For the WebAssembly kernels the first call decides.
   * @default {1}
   */
  readonly threads?: number | "auto";
}

/**
 * Looks for a WebGPU adapter.
 *
 * @returns Its description, or null if there is none.
 */
export async function probeAdapter(): Promise<AdapterInfo | null> {
  silenceDriverWarnings();
  return await findAdapter();
}

/**
 * Chooses and starts the backend; later calls return to it. After a GPU error "webgpu"
 * opens a new device; the tensors of the old one are lost.
 *
 * @param choice "auto" takes WebGPU on real hardware, else wasm, which trains five to
 * eight times faster on a CPU than WebGPU on a software driver.
 * @throws {Error} If the choice is "webgpu" and there is no adapter, or `cpu.native` is the
 * path of a library that cannot be used.
 */
export async function openBackend(
  choice: BackendChoice = "auto",
  cpu: CpuOptions = {},
): Promise<BackendInfo> {
  silenceDriverWarnings();
  return await chooseBackend(choice, {
    openWasm: (reason) => openWasm(reason, cpu),
    adapterRemedy: "install a Vulkan driver (on Debian " +
      '"apt-get install libvulkan1 mesa-vulkan-drivers") or use "--backend wasm"',
  });
}

async function openWasm(
  reason: string,
  { native: choice = "off", threads = 1 }: CpuOptions,
): Promise<BackendInfo> {
  const { native, refusal } = openNative(choice, threads);
  // A build without threads says nothing about the WebAssembly kernels.
  const hasThreads = native !== null && native.info.runtime !== "sequential";
  const wanted = hasThreads ? native.info.threads : threads;
  const most = wanted === "auto" ? navigator.hardwareConcurrency : wanted;
  const heap = await startWasm(most > 1);
  if (heap === null) {
    throw new Error(
      "Cannot start the wasm backend: its .wasm file could not be read; allow reading " +
        'with "--allow-read"',
    );
  }
  let wasm = wasmEngine();
  if (wasm === null) {
    wasm = await openWasmEngine(heap, { threads: most, startThread });
    if (wanted === "auto" && most > 1 && !isFasterWithThreads(wasm, heap)) {
      wasm.close();
      wasm = await openWasmEngine(heap);
    }
    useWasmEngine(wasm);
  }
  useNativeEngine(native);
  const engine: EngineInfo = native === null
    ? {
      name: "WebAssembly",
      version: null,
      instructionSet: wasm.relaxedSimd ? "relaxed SIMD" : "SIMD",
      threads: wasm.threads,
    }
    : { name: "oneDNN", ...pickEngineInfo(native) };
  return {
    name: "wasm",
    adapter: native !== null
      ? `WebAssembly and ${describeEngine(engine)}`
      : wasm.threads > 1
      ? `WebAssembly, ${wasm.threads} threads`
      : "WebAssembly",
    engine,
    software: true,
    reason: refusal === null ? reason : `${reason}; without oneDNN: ${refusal}`,
  };
}

// The engine of a choice; where "auto" finds none, why.
function openNative(
  choice: string,
  threads: number | "auto",
): { readonly native: NativeEngine | null; readonly refusal: string | null } {
  if (choice === "off") return { native: null, refusal: null };
  try {
    return { native: openNativeEngine(choice, threads), refusal: null };
  } catch (error) {
    if (choice !== "auto" || !(error instanceof NativeLibraryError)) throw error;
    const { path, reason } = error;
    return { native: null, refusal: path === null ? reason : `"${path}": ${reason}` };
  }
}

function pickEngineInfo({ info }: NativeEngine): Omit<EngineInfo, "name"> {
  const { version, instructionSet, threads } = info;
  return { version, instructionSet, threads };
}

/** An engine in words, as "oneDNN 3.2.0 (AVX-512, 1 thread)". */
export function describeEngine(
  { name, version, instructionSet, threads }: EngineInfo,
): string {
  const details = [
    ...(instructionSet === null ? [] : [instructionSet]),
    `${threads} ${threads === 1 ? "thread" : "threads"}`,
  ];
  const program = version === null ? name : `${name} ${version}`;
  return name.startsWith("WebGPU") ? program : `${program} (${details.join(", ")})`;
}

// Mesa complains on stderr about a missing XDG_RUNTIME_DIR, which nothing here needs.
function silenceDriverWarnings(): void {
  if (OPERATING_SYSTEM !== "linux") return;
  const variable = "XDG_RUNTIME_DIR";
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  if (state === "granted" && !Deno.env.has(variable)) Deno.env.set(variable, "/tmp");
}
