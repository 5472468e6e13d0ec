/** Work in chunks, so that no binding is larger than the device allows. @module */
import type * as tf from "../core/tf.ts";
import { maxBindingElements } from "./dispatch.ts";
import {
  type BufferSlice,
  type Kernel,
  mapRecord,
  type Operand,
  SLICE_ALIGNMENT,
} from "./kernel.ts";
import { allocateTensor, launch } from "./launch.ts";

/** Neighboring items, such as the images of a batch. */
export interface Chunk {
  readonly first: number;
  readonly count: number;
}

/**
 * The fewest chunks of items whose tensors can be bound.
 *
 * @param count Of the items.
 * @param sizes Elements that an item takes in each of the tensors.
 * @throws {RangeError} If one item is too large, or chunks would start where nothing can
 * be bound.
 */
export function chunksOf(count: number, sizes: readonly number[]): readonly Chunk[] {
  const maxElements = maxBindingElements();
  const itemsThatFit = Math.floor(maxElements / Math.max(...sizes));
  if (count <= itemsThatFit) return [{ first: 0, count }];
  const unit = Math.max(
    ...sizes.map((size) =>
      SLICE_ALIGNMENT / greatestCommonDivisor(SLICE_ALIGNMENT, size)
    ),
  );
  const step = Math.floor(itemsThatFit / unit) * unit;
  if (step === 0) {
    const mebibytes = Math.ceil(4 * Math.max(...sizes) / 2 ** 20);
    const limit = Math.floor(4 * maxElements / 2 ** 20);
    throw new RangeError(
      `Cannot compute with ${count} maps of ${mebibytes} MiB each: this device binds at ` +
        `most ${limit} MiB; use smaller images or batches`,
    );
  }
  return Array.from({ length: Math.ceil(count / step) }, (_, i) => ({
    first: i * step,
    count: Math.min(step, count - i * step),
  }));
}

/** The part of a tensor that holds a chunk of items of `size`; the last may be shorter. */
export function chunkSlice(
  tensor: tf.Tensor,
  { first, count }: Chunk,
  size: number,
): BufferSlice {
  const offset = first * size;
  return { tensor, offset, size: Math.min(count * size, tensor.size - offset) };
}

/** A run of a kernel whose items can be computed apart. */
export interface ChunkedLaunch<U extends string, I extends string, O extends string> {
  readonly count: number;
  /** Tensors with the elements that an item takes, or alone where every item needs all. */
  readonly inputs: Readonly<Record<I, tf.Tensor | readonly [tf.Tensor, number]>>;
  /** Shapes of new tensors with the elements that an item takes. */
  readonly outputs: Readonly<Record<O, readonly [shape: readonly number[], number]>>;
  /** What to run for a chunk. */
  argumentsFor(chunk: Chunk): {
    readonly uniforms: Readonly<Record<U, number>>;
    readonly invocations: number;
  };
}

/** Runs a kernel once, or in chunks where its tensors are larger than the device binds. */
export function launchInChunks<U extends string, I extends string, O extends string>(
  kernel: Kernel<U, I, O>,
  { count, inputs, outputs, argumentsFor }: ChunkedLaunch<
    NoInfer<U>,
    NoInfer<I>,
    NoInfer<O>
  >,
): Record<O, tf.Tensor> {
  const operands = Object.values<tf.Tensor | readonly [tf.Tensor, number]>(inputs);
  const results = Object.values<readonly [readonly number[], number]>(outputs);
  const chunks = chunksOf(count, [
    ...operands.flatMap((input) => "dataId" in input ? [] : [input[1]]),
    ...results.map(([, size]) => size),
  ]);
  const [onlyChunk] = chunks;
  if (onlyChunk !== undefined && chunks.length === 1) {
    return launch(kernel, {
      ...argumentsFor(onlyChunk),
      inputs: mapRecord(inputs, (input) => "dataId" in input ? input : input[0]),
      outputs: mapRecord(outputs, ([shape]) => shape),
    });
  }
  const created = mapRecord(
    outputs,
    ([shape], name) => allocateTensor(shape, kernel.outputs[name]),
  );
  for (const chunk of chunks) {
    launch(kernel, {
      ...argumentsFor(chunk),
      inputs: mapRecord(
        inputs,
        (input): Operand =>
          "dataId" in input ? input : chunkSlice(input[0], chunk, input[1]),
      ),
      outputs: mapRecord(
        outputs,
        ([, size], name) => chunkSlice(created[name], chunk, size),
      ),
    });
  }
  return created;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
