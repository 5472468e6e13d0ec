/**
 * Raw dispatches in the stream of tfjs's WebGPU backend (private members of 4.22.0).
 *
 * Commands go into the encoder that tfjs itself is filling, so they are ordered with
 * every tfjs operation before and after them.
 *
 * @module
 */
import * as tf from "../core/tf.ts";
import type { Kernel, UniformType } from "./kernel.ts";

/** Invocations per workgroup; every shader here is written for this size. */
export const WORKGROUP = 64;
// The limit of WebGPU on workgroups per axis; larger grids are folded into rows.
const MAX_GROUPS = 65_535;

interface WebGpuBackend {
  device: GPUDevice;
  bufferManager: { acquireBuffer(size: number, usage: number): GPUBuffer };
  uniformPendingDisposal: GPUBuffer[];
  tensorMap: {
    get(id: tf.DataId): { resource: GPUBuffer; values: unknown };
  };
  commandQueueOwnedIds: WeakSet<tf.DataId>;
  commandEncoder: GPUCommandEncoder | null;
  computePassEncoder: GPUComputePassEncoder | null;
  dispatchCountInPass: number;
  uploadToGPU(id: tf.DataId): void;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

/** What a pipeline is made of. */
type Program = Pick<Kernel, "name" | "shader" | "constants">;

const pipelines = new WeakMap<GPUDevice, Map<string, GPUComputePipeline>>();

/**
 * Encodes one dispatch.
 *
 * @param uniforms The uniform struct's fields in order.
 * @param read Bound as read-only storage from binding 1 on.
 * @param written Bound as read-write storage after them.
 */
export function dispatch(
  kernel: Program,
  uniforms: readonly (readonly [UniformType, number])[],
  read: readonly tf.Tensor[],
  written: readonly tf.Tensor[],
  invocations: number,
): void {
  // Private in the types.
  const backend = tf.backend() as unknown as WebGpuBackend;
  const pipeline = pipelineOf(backend.device, kernel);
  const buffers = [
    uniformBuffer(backend, uniforms),
    ...read.map((tensor) => bufferOf(backend, tensor)),
    ...written.map((tensor) => bufferOf(backend, tensor, true)),
  ];
  const bindGroup = backend.device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  // Owned by the queue: their buffers are recycled only after the submit.
  for (const { dataId } of [...read, ...written]) {
    backend.commandQueueOwnedIds.add(dataId);
  }

  backend.ensureCommandEncoderReady();
  backend.computePassEncoder ??= backend.commandEncoder?.beginComputePass() ?? null;
  const pass = backend.computePassEncoder;
  if (pass === null) throw new Error("Cannot encode a kernel: tfjs made no encoder");
  const groups = Math.ceil(invocations / WORKGROUP);
  const rows = Math.ceil(groups / MAX_GROUPS);
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(Math.ceil(groups / rows), rows);
  backend.dispatchCountInPass++;
  if (backend.dispatchCountInPass >= submitAfter()) {
    backend.endComputePassEncoder();
    backend.submitQueue();
  }
}

function pipelineOf(
  device: GPUDevice,
  { name, shader, constants = {} }: Program,
): GPUComputePipeline {
  const known = pipelines.get(device) ?? new Map<string, GPUComputePipeline>();
  pipelines.set(device, known);
  const cached = known.get(name);
  if (cached !== undefined) return cached;
  const module = device.createShaderModule({ code: shader, label: name });
  const pipeline = device.createComputePipeline({
    label: name,
    layout: "auto",
    compute: { module, entryPoint: "main", constants },
  });
  known.set(name, pipeline);
  return pipeline;
}

function uniformBuffer(
  backend: WebGpuBackend,
  uniforms: readonly (readonly [UniformType, number])[],
): GPUBuffer {
  // A uniform struct's size is a multiple of 16 bytes.
  const bytes = Math.ceil(uniforms.length / 4) * 16;
  const view = new DataView(new ArrayBuffer(bytes));
  uniforms.forEach(([type, value], i) => {
    if (type === "f32") view.setFloat32(4 * i, value, true);
    else view.setUint32(4 * i, value, true);
  });
  const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
  const buffer = backend.bufferManager.acquireBuffer(bytes, usage);
  backend.device.queue.writeBuffer(buffer, 0, view.buffer);
  backend.uniformPendingDisposal.push(buffer);
  return buffer;
}

function bufferOf(backend: WebGpuBackend, tensor: tf.Tensor, write = false): GPUBuffer {
  backend.uploadToGPU(tensor.dataId);
  const entry = backend.tensorMap.get(tensor.dataId);
  // data() caches a copy on the CPU, which a write makes stale.
  if (write) entry.values = null;
  return entry.resource;
}

function submitAfter(): number {
  return tf.env().getNumber("WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE");
}
