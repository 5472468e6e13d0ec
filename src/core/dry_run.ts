/**
 * Dry runs: running code without computing anything, to estimate how much memory it needs.
 *
 * Tensors of a dry run have a shape and no elements. The code around them is the real one,
 * with its tape and its scopes, so tensors live exactly as long as in a real run. Memory
 * that a kernel allocates and frees internally is not counted.
 *
 * @module
 */
import { registerShapeKernels, type ShapeAllocator } from "./shape_kernels.ts";
import * as tf from "./tf.ts";

/** A piece of memory, which tensors may share. */
export interface Allocation {
  readonly bytes: number;
  /** Set by {@linkcode tagPurpose}. */
  purpose: string | null;
}

/** The result of a dry run. */
export interface DryRunResult<T> {
  readonly result: T;
  /** All allocations at the moment when most bytes were allocated. */
  readonly peakAllocations: readonly Allocation[];
}

/** On whose behalf code runs on shapes, and who watches. */
export interface DryRunOptions {
  /**
   * The backend whose kernels would run.
   * @default {The current one}
   */
  readonly backendName?: string;
  /** Called with every kernel that would run, in order. */
  readonly onKernel?: (call: tf.KernelCall) => void;
}

/** The kernel by whose name constants are reported; its attribute is `values`. */
export const CONSTANT_KERNEL = "Constant";

const SHAPE_BACKEND = "shapes";
let backend: ShapeBackend | null = null;

/**
 * Runs code on shapes alone, as on the current backend or another one.
 *
 * @param run Must make all tensors that it reads, see {@linkcode metaTensor}, and free
 * them.
 * @throws {Error} If it calls a kernel that `shape_kernels.ts` does not have.
 */
export async function dryRun<T>(
  run: () => T,
  options: DryRunOptions = {},
): Promise<DryRunResult<T>> {
  const backendName = tf.getBackend();
  const { device } = tf.backend() as unknown as { device?: GPUDevice };
  if (backend === null) {
    const shapeBackend = backend = new ShapeBackend();
    tf.registerBackend(SHAPE_BACKEND, () => shapeBackend, 0);
    registerShapeKernels(SHAPE_BACKEND);
  }
  const events: AllocationEvent[] = [];
  await tf.setBackend(SHAPE_BACKEND);
  tf.setDryRunBackend(options.backendName ?? backendName, options.onKernel);
  Object.assign(backend, { events, device });
  try {
    return { result: run(), peakAllocations: allocationsAtPeak(events) };
  } finally {
    Object.assign(backend, { events: [], device: undefined });
    tf.setDryRunBackend(null);
    await tf.setBackend(backendName);
  }
}

/** A tensor of unknown elements, in a dry run; the caller owns it. */
export function metaTensor(
  shape: readonly number[],
  dtype: "float32" | "int32" = "float32",
): tf.Tensor {
  const allocator = tf.backend() as unknown as ShapeAllocator;
  return tf.engine().makeTensorFromTensorInfo(allocator.allocate(shape, dtype));
}

/** Names the purpose of tensors in a dry run; does nothing outside of one. */
export function tagPurpose(tensors: Iterable<tf.Tensor>, purpose: string): void {
  if (!tf.isDryRun()) return;
  for (const { dataId } of tensors) backend?.tagPurpose(dataId, purpose);
}

interface AllocationEvent {
  readonly allocation: Allocation;
  readonly allocated: boolean;
}

function allocationsAtPeak(events: readonly AllocationEvent[]): readonly Allocation[] {
  let [bytes, peakBytes, length] = [0, 0, 0];
  events.forEach(({ allocation, allocated }, i) => {
    bytes += allocated ? allocation.bytes : -allocation.bytes;
    if (bytes > peakBytes) [peakBytes, length] = [bytes, i + 1];
  });
  const live = new Set<Allocation>();
  for (const { allocation, allocated } of events.slice(0, length)) {
    if (allocated) live.add(allocation);
    else live.delete(allocation);
  }
  return [...live];
}

/** Counts the bytes and the references of all memory. */
class ShapeBackend extends tf.KernelBackend implements ShapeAllocator {
  events: AllocationEvent[] = [];
  /** The device of the real backend: kernels read its limits. */
  device: GPUDevice | undefined = undefined;
  readonly #memory = new Map<
    object,
    { readonly allocation: Allocation; users: number }
  >();

  allocate(shape: readonly number[], dtype: tf.DataType): tf.TensorInfo {
    const dataId = {};
    const bytes = tf.util.sizeFromShape([...shape]) * tf.util.bytesPerElement(dtype);
    const allocation = { bytes, purpose: null };
    this.#memory.set(dataId, { allocation, users: 1 });
    this.events.push({ allocation, allocated: true });
    return { dataId, shape: [...shape], dtype };
  }

  alias({ dataId, dtype }: tf.TensorInfo, shape: readonly number[]): tf.TensorInfo {
    this.incRef(dataId);
    return { dataId, shape: [...shape], dtype };
  }

  tagPurpose(id: object, purpose: string): void {
    const entry = this.#memory.get(id);
    if (entry !== undefined) entry.allocation.purpose = purpose;
  }

  /** The name in the webgpu backend. */
  makeTensorInfo(shape: number[], dtype: string): tf.TensorInfo {
    return this.allocate(shape, dtype as tf.DataType);
  }

  override write(values: unknown, shape: number[], dtype: tf.DataType): object {
    const constant = this.allocate(shape, dtype);
    tf.reportKernel({
      kernel: CONSTANT_KERNEL,
      inputs: {},
      attributes: { values },
      outputs: { constant },
    });
    return constant.dataId;
  }

  override incRef(id: object): void {
    const entry = this.#memory.get(id);
    if (entry !== undefined) entry.users++;
  }

  override refCount(id: object): number {
    return this.#memory.get(id)?.users ?? 0;
  }

  override disposeData(id: object, force = false): boolean {
    const entry = this.#memory.get(id);
    if (entry === undefined) return true;
    entry.users--;
    if (entry.users > 0 && !force) return false;
    this.#memory.delete(id);
    this.events.push({ allocation: entry.allocation, allocated: false });
    return true;
  }

  override numDataIds(): number {
    return this.#memory.size;
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: false };
  }

  override dispose(): void {}
}
