/** The private members of tfjs's WebGPU backend (4.22.0) that kernels rely on. @module */
import * as tf from "../core/tf.ts";

/** The backend's record of a tensor. */
export interface TensorData {
  /** Absent until the tensor is first used on the device. */
  resource?: GPUBuffer | null;
  /** Of its elements; tensors may give them another name. */
  readonly dtype: tf.DataType;
  /** A copy on the host; once the device changes the tensor, it is stale. */
  values?: Float32Array | Int32Array | null;
}

/** Where buffers come from and go to. */
export interface BufferManager {
  readonly freeBuffers: Map<string, GPUBuffer[]>;
  numFreeBuffers: number;
  numBytesAllocated: number;
  acquireBuffer(
    size: number,
    usage: number,
    mappedAtCreation?: boolean,
    reuse?: boolean,
  ): GPUBuffer;
  releaseBuffer(buffer: GPUBuffer, reuse?: boolean): void;
}

/** The private members of the backend. */
export interface WebGpuBackend {
  readonly device: GPUDevice;
  readonly queue: GPUQueue;
  readonly bufferManager: BufferManager;
  readonly tensorMap: { get(id: tf.DataId): TensorData; has(id: tf.DataId): boolean };
  uniformPendingDisposal: GPUBuffer[];
  commandQueueOwnedIds: Pick<WeakSet<tf.DataId>, "add" | "has">;
  commandEncoder: GPUCommandEncoder | null;
  computePassEncoder: GPUComputePassEncoder | null;
  dispatchCountInPass: number;
  uploadToGPU(id: tf.DataId): void;
  makeUniforms(fields: unknown): GPUBufferBinding;
  makeTensorInfo(shape: number[], dtype: string): tf.TensorInfo;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

/** The backend in use, which must be WebGPU. */
export function webGpuBackend(): WebGpuBackend {
  // Private in the types.
  return tf.backend() as unknown as WebGpuBackend;
}

/** Submits everything that is encoded. */
export function flush(backend: WebGpuBackend): void {
  backend.endComputePassEncoder();
  if (backend.commandEncoder !== null) backend.submitQueue();
}

/** Destroys the free buffers of the backend, which it would keep forever. */
export function releaseFreeBuffers(backend: WebGpuBackend): void {
  flush(backend); // waiting commands may use them
  const { bufferManager } = backend;
  for (const buffers of bufferManager.freeBuffers.values()) {
    for (const buffer of buffers) {
      bufferManager.numBytesAllocated -= buffer.size;
      bufferManager.numFreeBuffers--;
      buffer.destroy();
    }
    buffers.length = 0;
  }
}
