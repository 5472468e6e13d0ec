/**
 * Running code without computing anything: to learn how much memory it needs.
 *
 * Tensors of a rehearsal have a shape and no elements. The code around them is the real
 * one, with its tape and its scopes, so what is alive when is what will be alive then. What
 * a kernel needs inside of itself and gives back at its end is not seen.
 *
 * @module
 */
import { registerShapeKernels, type ShapeMaker } from "./shape_kernels.ts";
import * as tf from "./tf.ts";

/** Memory that tensors shared. */
export interface RehearsedMemory {
  readonly bytes: number;
  /** What it is for, if somebody said so with {@linkcode tellPurpose}. */
  purpose: string | null;
}

/** What a rehearsal found. */
export interface Rehearsed<T> {
  readonly result: T;
  /** Everything that was alive when most bytes were. */
  readonly peak: readonly RehearsedMemory[];
}

const NAME = "shapes";
let backend: ShapeBackend | null = null;

/**
 * Rehearses something on the current backend.
 *
 * @param run Must make all tensors that it reads, see {@linkcode emptyTensor}, and free
 * them.
 * @throws {Error} If it calls a kernel whose shapes nobody knows.
 */
export async function rehearse<T>(run: () => T): Promise<Rehearsed<T>> {
  const played = tf.getBackend();
  const { device } = tf.backend() as unknown as { device?: GPUDevice };
  backend ??= registered();
  const memory: Change[] = [];
  await tf.setBackend(NAME);
  tf.playBackend(played);
  Object.assign(backend, { changes: memory, device });
  try {
    return { result: run(), peak: peakOf(memory) };
  } finally {
    Object.assign(backend, { changes: [], device: undefined });
    tf.playBackend(null);
    await tf.setBackend(played);
  }
}

/** A tensor of unknown elements, in a rehearsal; the caller owns it. */
export function emptyTensor(
  shape: readonly number[],
  dtype: "float32" | "int32" = "float32",
): tf.Tensor {
  const maker = tf.backend() as unknown as ShapeMaker;
  return tf.engine().makeTensorFromTensorInfo(maker.make(shape, dtype));
}

/** Says what tensors are for; means nothing outside of a rehearsal. */
export function tellPurpose(tensors: Iterable<tf.Tensor>, purpose: string): void {
  if (!tf.isRehearsal()) return;
  for (const { dataId } of tensors) backend?.tellPurpose(dataId, purpose);
}

interface Change {
  readonly memory: RehearsedMemory;
  readonly alive: boolean;
}

function peakOf(changes: readonly Change[]): readonly RehearsedMemory[] {
  let [bytes, most, length] = [0, 0, 0];
  changes.forEach(({ memory, alive }, i) => {
    bytes += alive ? memory.bytes : -memory.bytes;
    if (bytes > most) [most, length] = [bytes, i + 1];
  });
  const found = new Set<RehearsedMemory>();
  for (const { memory, alive } of changes.slice(0, length)) {
    if (alive) found.add(memory);
    else found.delete(memory);
  }
  return [...found];
}

function registered(): ShapeBackend {
  const made = new ShapeBackend();
  tf.registerBackend(NAME, () => made, 0);
  registerShapeKernels(NAME);
  return made;
}

/** Knows of every tensor's memory how large it is and how many share it. */
class ShapeBackend extends tf.KernelBackend implements ShapeMaker {
  changes: Change[] = [];
  /** What the real backend has: kernels ask for its limits. */
  device: GPUDevice | undefined = undefined;
  readonly #known = new Map<
    object,
    { readonly memory: RehearsedMemory; users: number }
  >();

  make(shape: readonly number[], dtype: tf.DataType): tf.TensorInfo {
    const dataId = {};
    const bytes = tf.util.sizeFromShape([...shape]) * tf.util.bytesPerElement(dtype);
    const memory = { bytes, purpose: null };
    this.#known.set(dataId, { memory, users: 1 });
    this.changes.push({ memory, alive: true });
    return { dataId, shape: [...shape], dtype };
  }

  share({ dataId, dtype }: tf.TensorInfo, shape: readonly number[]): tf.TensorInfo {
    this.incRef(dataId);
    return { dataId, shape: [...shape], dtype };
  }

  tellPurpose(id: object, purpose: string): void {
    const one = this.#known.get(id);
    if (one !== undefined) one.memory.purpose = purpose;
  }

  /** As the webgpu backend names it, see `kernels/kernel.ts`. */
  makeTensorInfo(shape: number[], dtype: string): tf.TensorInfo {
    return this.make(shape, dtype as tf.DataType);
  }

  override write(_: unknown, shape: number[], dtype: tf.DataType): object {
    return this.make(shape, dtype).dataId;
  }

  override incRef(id: object): void {
    const one = this.#known.get(id);
    if (one !== undefined) one.users++;
  }

  override refCount(id: object): number {
    return this.#known.get(id)?.users ?? 0;
  }

  override disposeData(id: object, force = false): boolean {
    const one = this.#known.get(id);
    if (one === undefined) return true;
    one.users--;
    if (one.users > 0 && !force) return false;
    this.#known.delete(id);
    this.changes.push({ memory: one.memory, alive: false });
    return true;
  }

  override numDataIds(): number {
    return this.#known.size;
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: false };
  }

  override dispose(): void {}
}
