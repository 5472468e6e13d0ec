/**
 * Where tensors live: a WebGPU device of our own, or WebAssembly.
 *
 * A GPU error never throws by itself: it is latched here, and {@linkcode checkDevice}
 * turns it into an exception at every read-back.
 *
 * @module
 */
import * as tf from "./tf.ts";
import { WebGPUBackend } from "npm:@tensorflow/tfjs-backend-webgpu@4.22.0";
import "npm:@tensorflow/tfjs-backend-wasm@4.22.0";
import { patchWasm, patchWebGpu } from "./tfjs_patches.ts";

/** What a user may ask for. */
export type BackendChoice = "auto" | "webgpu" | "wasm";

/** What the user got, and why. */
export interface BackendInfo {
  /** Its name. */
  readonly name: "webgpu" | "wasm";
  /** The GPU and its driver, or "WebAssembly". */
  readonly adapter: string;
  /** True where WebGPU is emulated on the CPU. */
  readonly software: boolean;
  /** One clause for the log. */
  readonly reason: string;
}

/** What a probe of the machine found. */
export interface AdapterInfo {
  /** Of the GPU, as its driver says. */
  readonly name: string;
  /** True where WebGPU is emulated on the CPU. */
  readonly software: boolean;
  /** What it can do beyond the standard's minimum. */
  readonly features: readonly string[];
  /** The largest values that matter here, by the standard's names. */
  readonly limits: Readonly<Record<string, number>>;
}

// Commands are collected and submitted once per read-back: on a software driver every
// submit blocks, and on hardware it costs more than the dispatches it carries.
const DISPATCHES_PER_SUBMIT = 1024;
const WANTED_FEATURES = ["shader-f16", "timestamp-query"] as const;
const WANTED_LIMITS = [
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const;

let fault: string | null = null;
let device: GPUDevice | null = null;
let softwareDevice = false;

/**
 * Looks for a WebGPU adapter.
 *
 * @returns Its description, or null if there is none.
 */
export async function probeAdapter(): Promise<AdapterInfo | null> {
  const adapter = await requestAdapter();
  return adapter === null ? null : describe(adapter);
}

/**
 * Chooses and starts the backend; later calls return to it.
 *
 * @param choice "auto" takes WebGPU on real hardware, else wasm, which trains five to
 * eight times faster on a CPU than WebGPU on a software driver.
 * @throws {Error} If "webgpu" is asked for and there is no adapter.
 */
export async function openBackend(choice: BackendChoice = "auto"): Promise<BackendInfo> {
  tf.enableProdMode();
  if (choice === "wasm") return await openWasm("as requested");
  const adapter = await requestAdapter();
  if (adapter === null) {
    if (choice === "auto") return await openWasm("no WebGPU adapter was found");
    throw new Error(
      "Cannot use WebGPU: no adapter was found; install a Vulkan driver (on Debian " +
        '"apt-get install libvulkan1 mesa-vulkan-drivers") or use "--backend wasm"',
    );
  }
  if (choice === "auto" && describe(adapter).software) {
    return await openWasm("the only WebGPU adapter is a software driver");
  }
  return await openWebGpu(
    adapter,
    choice === "auto" ? "a GPU was found" : "as requested",
  );
}

/** Whether the WebGPU device in use is emulated on the CPU: kernels choose tiles by it. */
export function runsInSoftware(): boolean {
  return softwareDevice;
}

/** @throws {Error} If the GPU reported an error or was lost since the start. */
export function checkDevice(): void {
  if (fault !== null) throw new Error(fault);
}

/**
 * Reads a tensor back, and fails if the device failed.
 *
 * @throws {Error} On any GPU error since the start.
 */
export async function readBack(tensor: tf.Tensor): Promise<Float32Array | Int32Array> {
  const data = await tensor.data();
  checkDevice();
  return data as Float32Array | Int32Array;
}

async function openWasm(reason: string): Promise<BackendInfo> {
  if (!await tf.setBackend("wasm")) {
    throw new Error(
      "Cannot start the wasm backend: its .wasm file could not be read; allow reading " +
        'with "--allow-read"',
    );
  }
  await tf.ready();
  patchWasm();
  return { name: "wasm", adapter: "WebAssembly", software: true, reason };
}

async function openWebGpu(adapter: GPUAdapter, reason: string): Promise<BackendInfo> {
  const { name, software } = describe(adapter);
  if (device === null) {
    device = await requestDevice(adapter);
    softwareDevice = software;
    const own = device;
    // The package registers a factory of its own, which would win over a second one.
    if (tf.findBackendFactory("webgpu")) tf.removeBackend("webgpu");
    // tfjs types the constructor's second argument as the browser's adapter info.
    tf.registerBackend("webgpu", () => new WebGPUBackend(own, adapter.info as never), 3);
  }
  tf.env().set("WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE", DISPATCHES_PER_SUBMIT);
  // By default small tensors are computed on the CPU; then tests would never meet the GPU.
  tf.env().set("WEBGPU_CPU_FORWARD", false);
  await tf.setBackend("webgpu");
  await tf.ready();
  patchWebGpu();
  return { name: "webgpu", adapter: name, software, reason };
}

async function requestAdapter(): Promise<GPUAdapter | null> {
  quietDrivers();
  return await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" }) ??
    null;
}

async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const requiredLimits: Record<string, number> = {
    maxStorageBuffersPerShaderStage: Math.min(
      16,
      adapter.limits.maxStorageBuffersPerShaderStage,
    ),
  };
  for (const limit of WANTED_LIMITS) requiredLimits[limit] = adapter.limits[limit];
  const requiredFeatures = WANTED_FEATURES.filter((one) => adapter.features.has(one));
  const own = await adapter.requestDevice({ requiredFeatures, requiredLimits });
  own.addEventListener("uncapturederror", (event) => {
    const { error } = event as GPUUncapturedErrorEvent;
    fault ??= `Cannot trust the GPU's results: it reported "${error.message.trim()}"`;
    event.preventDefault();
  });
  own.lost.then(({ reason, message }) => {
    if (reason !== "destroyed") {
      fault ??= `Cannot go on: the GPU was lost (${message || "no reason given"})`;
    }
  });
  return own;
}

function describe(adapter: GPUAdapter): AdapterInfo {
  const { info, limits } = adapter;
  const name = [info.description, info.device, info.vendor].find((one) => one) ??
    "unknown";
  const software = info.isFallbackAdapter ||
    /llvmpipe|lavapipe|swiftshader|software|basic render/i.test(name);
  const named: Record<string, number> = {};
  for (const limit of [...WANTED_LIMITS, "maxStorageBuffersPerShaderStage"] as const) {
    named[limit] = limits[limit];
  }
  return { name, software, features: [...adapter.features].sort(), limits: named };
}

// Mesa complains on stderr about a missing XDG_RUNTIME_DIR, which nothing here needs.
function quietDrivers(): void {
  if (Deno.build.os !== "linux") return;
  const granted = (name: "XDG_RUNTIME_DIR") =>
    Deno.permissions.querySync({ name: "env", variable: name }).state === "granted";
  if (granted("XDG_RUNTIME_DIR") && !Deno.env.has("XDG_RUNTIME_DIR")) {
    Deno.env.set("XDG_RUNTIME_DIR", "/tmp");
  }
}
