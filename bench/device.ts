/** What a benchmark asks of the device beyond tfjs: private members of tfjs 4.22.0. @module */
import * as tf from "../src/core/tf.ts";

interface TfjsWebGpuBackend {
  readonly device: GPUDevice;
  readonly commandEncoder: GPUCommandEncoder | null;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

interface TfjsWasmBackend {
  readonly wasm: { readonly HEAPU8: Uint8Array };
}

/** The device of the webgpu backend, which must be the current one. */
export function gpuDevice(): GPUDevice {
  return webGpu().device;
}

/** Submits everything that is encoded; nothing to do on wasm. */
export function submitEncoded(): void {
  if (tf.getBackend() !== "webgpu") return;
  const backend = webGpu();
  backend.endComputePassEncoder();
  if (backend.commandEncoder !== null) backend.submitQueue();
}

/** Waits until everything is computed; nothing to wait for on wasm. */
export async function synchronize(): Promise<void> {
  submitEncoded();
  if (tf.getBackend() === "webgpu") await gpuDevice().queue.onSubmittedWorkDone();
}

/**
 * Runs with everything encoded before anything is submitted, so that the time of the
 * JavaScript alone can be taken: on a software driver a submit waits for earlier work.
 */
export function deferSubmits<T>(run: () => T): T {
  const setting = "WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE";
  const before = tf.env().getNumber(setting);
  tf.env().set(setting, Number.MAX_SAFE_INTEGER);
  try {
    return run();
  } finally {
    tf.env().set(setting, before);
  }
}

/** Counts since it was opened. */
export interface DeviceMeter {
  /** Compute dispatches, by tfjs, our kernels or a replay. */
  dispatches(): number;
  /** Most bytes held at a time: GPU buffers, or the heap of wasm, which never shrinks. */
  peakBytes(): number;
}

/** Opens a meter; before the backend, to see all its buffers. */
export function openDeviceMeter(): DeviceMeter {
  let dispatches = 0;
  let [bytes, peak] = [0, 0];
  const count = GPUComputePassEncoder.prototype.dispatchWorkgroups;
  GPUComputePassEncoder.prototype.dispatchWorkgroups = function (...grid) {
    dispatches++;
    return count.apply(this, grid);
  };
  const create = GPUDevice.prototype.createBuffer;
  GPUDevice.prototype.createBuffer = function (descriptor) {
    bytes += descriptor.size;
    peak = Math.max(peak, bytes);
    return create.call(this, descriptor);
  };
  const destroy = GPUBuffer.prototype.destroy;
  GPUBuffer.prototype.destroy = function () {
    bytes -= this.size;
    return destroy.call(this);
  };
  return {
    dispatches: () => dispatches,
    peakBytes: () =>
      tf.getBackend() === "webgpu"
        ? peak
        : (tf.backend() as unknown as TfjsWasmBackend).wasm.HEAPU8.length,
  };
}

function webGpu(): TfjsWebGpuBackend {
  return tf.backend() as unknown as TfjsWebGpuBackend;
}
