/**
 * Dispatches in the stream of tfjs's WebGPU backend (private members of 4.22.0), and the
 * hook through which a step recorder follows them.
 *
 * Commands go into the encoder that tfjs itself fills, so they are ordered with every tfjs
 * operation before and after them.
 *
 * @module
 */
import * as tf from "../core/tf.ts";
import type { BufferExchange } from "./buffer_exchange.ts";
import { pipelineOf } from "./compile.ts";
import { type Kernel, type Operand, tensorOf } from "./kernel.ts";
import { WORKGROUP_SIZE } from "./shader_prelude.ts";
import { type TensorData, type WebGpuBackend, webGpuBackend } from "./tfjs_webgpu.ts";
import { packUniforms, type UniformValues } from "./uniforms.ts";

/** Follows the kernels of a step while it is recorded or replayed. */
export interface RecorderHook {
  /** Whether kernels are not to run, because a recording of them will. */
  readonly replaying: boolean;
  /** Takes the uniforms of a kernel that does not run. */
  refreshUniforms(kernel: Kernel, uniforms: UniformValues): void;
  /** Finds a place for the uniforms of a kernel that runs. */
  bindUniforms(kernel: Kernel, uniforms: UniformValues): GPUBufferBinding;
  /** Called with every tensor that a kernel writes. */
  onWrite(data: TensorData): void;
  /** Called with every exchange, before it begins. */
  onExchange(exchange: BufferExchange): void;
}

let activeHook: RecorderHook | null = null;

/** The hook in force, if any. */
export function recorderHook(): RecorderHook | null {
  return activeHook;
}

/** Sets the hook, or removes it. */
export function setRecorderHook(next: RecorderHook | null): void {
  activeHook = next;
}

// The limit of WebGPU on workgroups per axis; larger grids are folded into rows.
const MAX_WORKGROUPS_PER_DIMENSION = 65_535;

/**
 * Encodes one dispatch.
 *
 * @param read Bound as read-only storage from binding 1 on.
 * @param written Bound as read-write storage after them.
 */
export function dispatch(
  kernel: Kernel,
  uniforms: UniformValues & { readonly invocations: number },
  read: readonly Operand[],
  written: readonly Operand[],
): void {
  const backend = webGpuBackend();
  const types = Object.values(kernel.inputs);
  const inputs = read.map((operand, i) =>
    types[i] !== "i32" && holdsIntegers(backend, operand) ? withFloats(operand) : operand
  );
  const converted = inputs.filter((operand, i) => operand !== read[i]);
  if (converted.length > 0) {
    dispatch(kernel, uniforms, inputs, written);
    return converted.forEach((operand) => tensorOf(operand).dispose());
  }
  const pipeline = pipelineOf(backend.device, kernel);
  [...read, ...written].forEach((operand) =>
    checkBindingSize(backend.device, kernel.name, operand.size)
  );
  const resources = [
    recorderHook()?.bindUniforms(kernel, uniforms) ??
      uniformBuffer(backend, kernel, uniforms),
    ...read.map((tensor) => bufferOf(backend, tensor)),
    ...written.map((tensor) => bufferOf(backend, tensor, true)),
  ];
  const bindGroup = backend.device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: resources.map((resource, binding) => ({ binding, resource })),
  });
  // Where the queue owns anything, see `core/tfjs_patches.ts`, it has to know.
  for (const operand of [...read, ...written]) {
    backend.commandQueueOwnedIds.add(tensorOf(operand).dataId);
  }

  backend.ensureCommandEncoderReady();
  backend.computePassEncoder ??= backend.commandEncoder?.beginComputePass() ?? null;
  const pass = backend.computePassEncoder;
  if (pass === null) throw new Error("Cannot encode a kernel: tfjs made no encoder");
  const workgroups = Math.ceil(uniforms.invocations / WORKGROUP_SIZE);
  const rows = Math.ceil(workgroups / MAX_WORKGROUPS_PER_DIMENSION);
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(Math.ceil(workgroups / rows), rows);
  backend.dispatchCountInPass++;
  if (
    backend.dispatchCountInPass >= tf.env().getNumber("WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE")
  ) {
    backend.endComputePassEncoder();
    backend.submitQueue();
  }
}

/**
 * Whether a tensor of floats has the elements of another type: tf.cast() to float32 changes
 * the name of the type and not the elements, which tfjs's own shaders know and ours do not.
 */
export function holdsIntegers(backend: WebGpuBackend, operand: Operand): boolean {
  const { dataId, dtype } = tensorOf(operand);
  return dtype === "float32" && backend.tensorMap.get(dataId).dtype !== "float32";
}

function withFloats(operand: Operand): Operand {
  const tensor = tf.floor(tensorOf(operand));
  return "tensor" in operand ? { ...operand, tensor } : tensor;
}

function uniformBuffer(
  backend: WebGpuBackend,
  kernel: Kernel,
  uniforms: UniformValues,
): GPUBufferBinding {
  const bytes = packUniforms(kernel, uniforms);
  const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
  const buffer = backend.bufferManager.acquireBuffer(bytes.byteLength, usage);
  backend.queue.writeBuffer(buffer, 0, bytes);
  backend.uniformPendingDisposal.push(buffer);
  return { buffer };
}

function bufferOf(
  backend: WebGpuBackend,
  operand: Operand,
  write = false,
): GPUBufferBinding {
  const { dataId } = tensorOf(operand);
  backend.uploadToGPU(dataId);
  const data = backend.tensorMap.get(dataId);
  if (write) {
    data.values = null; // data() caches a copy on the CPU, which a write makes stale
    recorderHook()?.onWrite(data);
  }
  const buffer = data.resource;
  if (!buffer) throw new Error("Cannot bind a tensor without memory");
  return "tensor" in operand
    ? { buffer, offset: 4 * operand.offset, size: 4 * operand.size }
    : { buffer };
}

function checkBindingSize(device: GPUDevice, kernel: string, size: number): void {
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

/** How many elements one binding of the current device holds; no limit but on webgpu. */
export function maxBindingElements(): number {
  if (tf.getBackend() !== "webgpu") return Infinity;
  const { device } = webGpuBackend();
  return Math.floor(device.limits.maxStorageBufferBindingSize / 4);
}
