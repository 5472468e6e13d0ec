/**
 * Where tensors live: a WebGPU device of our own, or WebAssembly, whose tensors oneDNN
 * computes with, too, where it is installed and wanted.
 *
 * A GPU error never throws by itself. The first one that a device reports is stored with
 * that device, and {@linkcode readBack} throws it for every tensor there.
 *
 * @module
 */
import * as tf from "./tf.ts";
import { WebGPUBackend } from "npm:@tensorflow/tfjs-backend-webgpu@4.22.0";
import "npm:@tensorflow/tfjs-backend-wasm@4.22.0";
import {
  type NativeEngine,
  NativeLibraryError,
  openNativeEngine,
  useNativeEngine,
} from "../native/engine.ts";
import { openWasmEngine, useWasmEngine, wasmEngine } from "../wasm/engine.ts";
import { isFasterWithThreads } from "../wasm/faster_threads.ts";
import { withSharedMemory } from "../wasm/shared_memory.ts";
import { OPERATING_SYSTEM } from "./environment.ts";
import { describeGpuFailure, type GpuFailure } from "./gpu_fault.ts";
import { gpuMemory } from "./gpu_memory.ts";
import { createSubmitPacing, type SubmitPacing } from "./submit_pacing.ts";
import { patchWasm, patchWebGpu } from "./tfjs_patches.ts";

/** "auto" takes a hardware GPU where there is one. */
export type BackendChoice = "auto" | "webgpu" | "wasm";

/** The backend that was opened, and why. */
export interface BackendInfo {
  /** Its name in tfjs. */
  readonly name: "webgpu" | "wasm";
  /** The GPU and its driver, or "WebAssembly" and what helps it. */
  readonly adapter: string;
  /** What computes. */
  readonly engine: EngineInfo;
  /** True where WebGPU is emulated on the CPU. */
  readonly software: boolean;
  /** Why this one: a clause for the log. */
  readonly reason: string;
}

/**
 * What computes; where one of these differs, results differ in their last bits, except that
 * the WebAssembly kernels give the same ones with any number of threads.
 */
export interface EngineInfo {
  /** "oneDNN", "WebAssembly", or "WebGPU on" a GPU. */
  readonly name: string;
  /** Of oneDNN; null for the others, which come with this program. */
  readonly version: string | null;
  /** The largest set of instructions that is used, as far as it is known. */
  readonly instructionSet: string | null;
  /** Threads of the CPU that compute. */
  readonly threads: number;
}

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

/** A WebGPU adapter of this machine. */
export interface AdapterInfo {
  /** The driver's name of the GPU. */
  readonly name: string;
  /** True where WebGPU is emulated on the CPU. */
  readonly software: boolean;
  /** WebGPU's optional features that it has. */
  readonly features: readonly string[];
  /** The limits that kernels here depend on, by the standard's names. */
  readonly limits: Readonly<Record<string, number>>;
}

const OPTIONAL_FEATURES = ["timestamp-query"] as const;
const RAISED_LIMITS = [
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const;

const COMMANDS_PER_SUBMIT = "WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE";

/** A device and what is known of it. */
interface OpenedDevice {
  readonly device: GPUDevice;
  readonly adapter: AdapterInfo;
  /** Bytes that it has; null: unknown. */
  readonly memory: number | null;
  readonly pacing: SubmitPacing;
  /** The message for its first error; null as long as its results can be trusted. */
  fault: string | null;
}

/** The device of the "webgpu" backend. */
let opened: OpenedDevice | null = null;
const deviceOfBackend = new WeakMap<tf.KernelBackend, OpenedDevice>();

// Private members of tfjs-core 4.22.0.
interface TensorEngine {
  readonly state: {
    readonly tensorInfo: {
      get(id: tf.DataId): { readonly backend: tf.KernelBackend } | undefined;
    };
  };
}

/**
 * Looks for a WebGPU adapter.
 *
 * @returns Its description, or null if there is none.
 */
export async function probeAdapter(): Promise<AdapterInfo | null> {
  const adapter = await requestAdapter();
  return adapter === null ? null : describeAdapter(adapter);
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
  tf.enableProdMode();
  if (choice === "wasm") return await openWasm("as requested", cpu);
  const adapter = await requestAdapter();
  if (adapter === null) {
    if (choice === "auto") return await openWasm("no WebGPU adapter was found", cpu);
    throw new Error(
      "Cannot use WebGPU: no adapter was found; install a Vulkan driver (on Debian " +
        '"apt-get install libvulkan1 mesa-vulkan-drivers") or use "--backend wasm"',
    );
  }
  if (choice === "auto" && describeAdapter(adapter).software) {
    return await openWasm("the only WebGPU adapter is a software driver", cpu);
  }
  return await openWebGpu(
    adapter,
    choice === "auto" ? "a GPU was found" : "as requested",
  );
}

/** The adapter of the WebGPU device in use and its memory; null: none is. */
export function openedGpu(): Pick<OpenedDevice, "adapter" | "memory"> | null {
  return opened;
}

/**
 * Reads a tensor back.
 *
 * @throws {Error} If the tensor is on a GPU that reported an error or was lost. Tensors of
 * other backends and of later devices are not affected.
 */
export async function readBack(tensor: tf.Tensor): Promise<Float32Array | Int32Array> {
  const { state } = tf.engine() as unknown as TensorEngine;
  const backend = state.tensorInfo.get(tensor.dataId)?.backend;
  const device = backend && deviceOfBackend.get(backend);
  const throwFault = () => {
    if (device?.fault) throw new Error(device.fault);
  };
  throwFault();
  try {
    const data = await tensor.data();
    throwFault();
    if (device !== undefined) {
      device.pacing.onIdle();
      tf.env().set(COMMANDS_PER_SUBMIT, device.pacing.commands);
    }
    return data as Float32Array | Int32Array;
  } catch (error) {
    throw device === undefined ? error : await explainGpuError(error);
  }
}

/**
 * What a failure means that may be the first to show that the GPU has failed.
 *
 * @returns The fault of the GPU in use, if it has one, else the error as it is.
 */
export async function explainGpuError(error: unknown): Promise<unknown> {
  if (tf.getBackend() !== "webgpu") return error;
  // A lost device is reported after the first calls that fail for it.
  await new Promise((resolve) => setTimeout(resolve, FAULT_DELAY));
  const fault = opened?.fault ?? null;
  if (fault === null || (error instanceof Error && error.message === fault)) return error;
  return new Error(fault, { cause: error });
}

/** Milliseconds. */
const FAULT_DELAY = 50;

async function openWasm(
  reason: string,
  { native: choice = "off", threads = 1 }: CpuOptions,
): Promise<BackendInfo> {
  const { native, refusal } = openNative(choice, threads);
  // A build without threads says nothing about the WebAssembly kernels.
  const hasThreads = native !== null && native.info.runtime !== "sequential";
  const wanted = hasThreads ? native.info.threads : threads;
  const most = wanted === "auto" ? navigator.hardwareConcurrency : wanted;
  if (!await startWasm(most > 1)) {
    throw new Error(
      "Cannot start the wasm backend: its .wasm file could not be read; allow reading " +
        'with "--allow-read"',
    );
  }
  patchWasm();
  let wasm = wasmEngine();
  if (wasm === null) {
    const { wasm: module } = tf.backend() as unknown as WasmBackend;
    const heap = {
      memory: module.asm.memory,
      malloc: (bytes: number) => module._malloc(bytes) >>> 0,
      free: (address: number) => module._free(address),
    };
    wasm = await openWasmEngine(heap, { threads: most });
    if (wanted === "auto" && most > 1 && !isFasterWithThreads(wasm, heap)) {
      wasm.close();
      wasm = await openWasmEngine(heap, { threads: 1 });
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

// Private members of the wasm backend.
interface WasmBackend {
  readonly wasm: {
    readonly asm: { readonly memory: WebAssembly.Memory };
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
}

// tfjs's build for one thread, whose memory other threads can be given: its own build for
// several starts workers that Deno does not have, and computes the same.
async function startWasm(isShared: boolean): Promise<boolean> {
  const { instantiate } = WebAssembly;
  if (isShared) {
    WebAssembly.instantiate = ((module: Uint8Array, imports?: WebAssembly.Imports) => {
      WebAssembly.instantiate = instantiate; // only the first module is tfjs's
      return instantiate(withSharedMemory(module), imports);
    }) as typeof instantiate;
  }
  try {
    return await tf.setBackend("wasm");
  } finally {
    WebAssembly.instantiate = instantiate;
  }
}

async function openWebGpu(adapter: GPUAdapter, reason: string): Promise<BackendInfo> {
  const { name, software } = describeAdapter(adapter);
  if (opened === null || opened.fault !== null) {
    const newDevice = await openDevice(adapter);
    // The package registers a factory of its own, which would win over a second one.
    if (tf.findBackendFactory("webgpu")) tf.removeBackend("webgpu");
    opened?.device.destroy();
    opened = newDevice;
    tf.registerBackend("webgpu", () => {
      // tfjs types the constructor's second argument as the browser's adapter info.
      const backend = new WebGPUBackend(newDevice.device, adapter.info as never);
      watchSubmits(backend, newDevice.pacing);
      deviceOfBackend.set(backend, newDevice);
      return backend;
    }, 3);
  }
  tf.env().set(COMMANDS_PER_SUBMIT, opened.pacing.commands);
  // By default small tensors are computed on the CPU; then tests would never meet the GPU.
  tf.env().set("WEBGPU_CPU_FORWARD", false);
  await tf.setBackend("webgpu");
  await tf.ready();
  patchWebGpu();
  const engine = {
    name: `WebGPU on ${name}`,
    version: null,
    instructionSet: null,
    threads: 1,
  };
  return { name: "webgpu", adapter: name, engine, software, reason };
}

async function requestAdapter(): Promise<GPUAdapter | null> {
  silenceDriverWarnings();
  return await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" }) ??
    null;
}

async function openDevice(adapter: GPUAdapter): Promise<OpenedDevice> {
  const requiredLimits: Record<string, number> = {
    maxStorageBuffersPerShaderStage: Math.min(
      16,
      adapter.limits.maxStorageBuffersPerShaderStage,
    ),
  };
  for (const limit of RAISED_LIMITS) requiredLimits[limit] = adapter.limits[limit];
  const requiredFeatures = OPTIONAL_FEATURES.filter((one) => adapter.features.has(one));
  const info = describeAdapter(adapter);
  const memory = gpuMemory(info);
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
  const pacing = createSubmitPacing();
  const newDevice: OpenedDevice = { device, adapter: info, memory, pacing, fault: null };
  const fail = (kind: GpuFailure["kind"], message: string) => {
    newDevice.fault ??= describeGpuFailure({ kind, message }, {
      system: OPERATING_SYSTEM,
      allocated: bytesOn(newDevice),
      memory,
    });
  };
  device.addEventListener("uncapturederror", (event) => {
    const { error } = event as GPUUncapturedErrorEvent;
    const kind = error instanceof GPUOutOfMemoryError
      ? "out-of-memory"
      : error instanceof GPUInternalError
      ? "internal"
      : "validation";
    fail(kind, error.message);
    event.preventDefault();
  });
  device.lost.then(({ message }) => fail("lost", message));
  return newDevice;
}

// Private members of tfjs's WebGPU backend, 4.22.0.
interface SubmitQueue {
  readonly dispatchCountInPass: number;
  submitQueue(): void;
}

function watchSubmits(backend: WebGPUBackend, pacing: SubmitPacing): void {
  const own = backend as unknown as SubmitQueue;
  const { submitQueue } = own;
  own.submitQueue = () => {
    pacing.onSubmit(own.dispatchCountInPass);
    submitQueue.call(own);
  };
}

// Of its backend, recorded steps aside.
function bytesOn(device: OpenedDevice): number {
  const backend = tf.findBackend("webgpu");
  if (!backend || deviceOfBackend.get(backend) !== device) return 0;
  const { bufferManager } = backend as unknown as {
    readonly bufferManager: { readonly numBytesAllocated: number };
  };
  return bufferManager.numBytesAllocated;
}

function describeAdapter(adapter: GPUAdapter): AdapterInfo {
  const { info, limits } = adapter;
  const { description, device, vendor, architecture } = info;
  // A browser says no more than the vendor and the architecture.
  const name = description || device ||
    [vendor, architecture].filter(Boolean).join(" ") ||
    "unknown";
  const software = info.isFallbackAdapter ||
    /llvmpipe|lavapipe|swiftshader|software|basic render/i.test(
      `${name} ${architecture}`,
    );
  const named: Record<string, number> = {};
  for (const limit of [...RAISED_LIMITS, "maxStorageBuffersPerShaderStage"] as const) {
    named[limit] = limits[limit];
  }
  return { name, software, features: [...adapter.features].sort(), limits: named };
}

// Mesa complains on stderr about a missing XDG_RUNTIME_DIR, which nothing here needs.
function silenceDriverWarnings(): void {
  if (OPERATING_SYSTEM !== "linux") return;
  const variable = "XDG_RUNTIME_DIR";
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  if (state === "granted" && !Deno.env.has(variable)) Deno.env.set(variable, "/tmp");
}
