/**
 * Raw dispatches in the stream of tfjs's WebGPU backend (private members of 4.22.0).
 *
 * Commands go into the encoder that tfjs itself is filling, so they are ordered with
 * every tfjs operation before and after them.
 *
 * @module
 */
import * as tf from "../core/tf.ts";
import type { Kernel } from "./kernel.ts";
import { type Part, tensorOf } from "./part.ts";
import { tap, type UniformValues } from "./tap.ts";
import { type WebGpuBackend, webGpuBackend } from "./tfjs_webgpu.ts";
import { packUniforms } from "./uniforms.ts";

/** Invocations per workgroup; every shader here is written for this size. */
export const WORKGROUP = 64;
// The limit of WebGPU on workgroups per axis; larger grids are folded into rows.
const MAX_GROUPS = 65_535;

/** What a pipeline is made of. */
type Program = Pick<Kernel, "name" | "shader" | "constants">;

const pipelines = new WeakMap<GPUDevice, Map<string, GPUComputePipeline>>();

/**
 * Encodes one dispatch.
 *
 * @param read Bound as read-only storage from binding 1 on.
 * @param written Bound as read-write storage after them.
 */
export function dispatch(
  kernel: Kernel,
  uniforms: UniformValues,
  read: readonly (tf.Tensor | Part)[],
  written: readonly (tf.Tensor | Part)[],
  invocations: number,
): void {
  const backend = webGpuBackend();
  const pipeline = pipelineOf(backend.device, kernel);
  [...read, ...written].forEach((one) =>
    checkSize(backend.device, kernel.name, one.size)
  );
  const resources = [
    tap()?.bind(kernel, uniforms) ?? uniformBuffer(backend, kernel, uniforms),
    ...read.map((tensor) => bufferOf(backend, tensor)),
    ...written.map((tensor) => bufferOf(backend, tensor, true)),
  ];
  const bindGroup = backend.device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: resources.map((resource, binding) => ({ binding, resource })),
  });
  // Where the queue owns anything, see `core/tfjs_patches.ts`, it has to know.
  for (const one of [...read, ...written]) {
    backend.commandQueueOwnedIds.add(tensorOf(one).dataId);
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
  kernel: Kernel,
  uniforms: UniformValues,
): GPUBufferBinding {
  const bytes = packUniforms(kernel.uniforms, uniforms);
  const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
  const buffer = backend.bufferManager.acquireBuffer(bytes.byteLength, usage);
  backend.queue.writeBuffer(buffer, 0, bytes);
  backend.uniformPendingDisposal.push(buffer);
  return { buffer };
}

function bufferOf(
  backend: WebGpuBackend,
  one: tf.Tensor | Part,
  write = false,
): GPUBufferBinding {
  const { dataId } = tensorOf(one);
  backend.uploadToGPU(dataId);
  const data = backend.tensorMap.get(dataId);
  if (write) {
    data.values = null; // data() caches a copy on the CPU, which a write makes stale
    tap()?.wrote(data);
  }
  const buffer = data.resource;
  if (!buffer) throw new Error("Cannot bind a tensor without memory");
  return "tensor" in one
    ? { buffer, offset: 4 * one.from, size: 4 * one.size }
    : { buffer };
}

function checkSize(device: GPUDevice, kernel: string, size: number): void {
  const limit = device.limits.maxStorageBufferBindingSize;
  if (4 * size <= limit) return;
  const mebibytes = (bytes: number) => Math.ceil(bytes / 2 ** 20);
  throw new RangeError(
    `Cannot run kernel "${kernel}" on a tensor of ${
      mebibytes(4 * size)
    } MiB: this device ` +
      `binds at most ${mebibytes(limit)} MiB; use smaller images or batches`,
  );
}

/** How many numbers one binding of the current device holds; no limit but on webgpu. */
export function mostNumbers(): number {
  if (tf.getBackend() !== "webgpu") return Infinity;
  const { device } = webGpuBackend();
  return Math.floor(device.limits.maxStorageBufferBindingSize / 4);
}

function submitAfter(): number {
  return tf.env().getNumber("WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE");
}
