/**
 * Where tensors live: a WebGPU device of our own, or WebAssembly, as far as it is the same
 * in Deno and in a page.
 *
 * A GPU error never throws by itself. The first one that a device reports is stored with
 * that device, and {@linkcode readBack} throws it for every tensor there.
 *
 * @module
 */
import * as tf from "./tf.ts";
import { WebGPUBackend } from "npm:@tensorflow/tfjs-backend-webgpu@4.22.0";
import { OPERATING_SYSTEM } from "./environment.ts";
import { describeGpuFailure, type GpuFailure } from "./gpu_fault.ts";
import { gpuMemory } from "./gpu_memory.ts";
import { createSubmitPacing, type SubmitPacing } from "./submit_pacing.ts";
import { patchWebGpu } from "./tfjs_patches.ts";

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
  /** Its first error; null as long as its results can be trusted. */
  fault: Error | null;
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
export async function findAdapter(): Promise<AdapterInfo | null> {
  const adapter = await requestAdapter();
  return adapter === null ? null : describeAdapter(adapter);
}

/** Where a backend is opened. */
export interface Platform {
  /** Opens the backend of the CPU; the reason is that of its {@linkcode BackendInfo}. */
  openWasm(reason: string): Promise<BackendInfo>;
  /** What to do where WebGPU is asked for and there is no adapter: a clause. */
  readonly adapterRemedy: string;
}

/**
 * Chooses and starts the backend; later calls return to it. After a GPU error "webgpu"
 * opens a new device; the tensors of the old one are lost.
 *
 * @param choice "auto" takes WebGPU on real hardware, else wasm, which trains five to
 * eight times faster on a CPU than WebGPU on a software driver.
 * @throws {Error} If the choice is "webgpu" and there is no adapter.
 */
export async function chooseBackend(
  choice: BackendChoice,
  { openWasm, adapterRemedy }: Platform,
): Promise<BackendInfo> {
  tf.enableProdMode();
  if (choice === "wasm") return await openWasm("as requested");
  const adapter = await requestAdapter();
  if (adapter === null) {
    if (choice === "auto") return await openWasm("no WebGPU adapter was found");
    throw new Error(`Cannot use WebGPU: no adapter was found; ${adapterRemedy}`);
  }
  if (choice === "auto" && describeAdapter(adapter).software) {
    return await openWasm("the only WebGPU adapter is a software driver");
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
    if (device?.fault) throw device.fault;
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
  if (fault === null || error === fault) return error;
  return new Error(fault.message, { cause: error });
}

/**
 * Takes the device of a queue for failed, because of an error that it does not report: its
 * tensors do not hold what they should.
 */
export function failDevice(queue: GPUQueue, error: Error): void {
  if (opened?.device.queue === queue) opened.fault ??= error;
}

/** Milliseconds. */
const FAULT_DELAY = 50;

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
    newDevice.fault ??= new Error(describeGpuFailure({ kind, message }, {
      system: OPERATING_SYSTEM,
      allocated: bytesOn(newDevice),
      memory,
    }));
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
