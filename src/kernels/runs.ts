/** Work in runs, so that no binding is larger than the device allows. @module */
import type * as tf from "../core/tf.ts";
import { type Kernel, launch, launchOne, makeTensor } from "./kernel.ts";
import type { Part } from "./part.ts";
import { mostNumbers } from "./webgpu.ts";

/** Neighbouring items, such as the images of a batch. */
export interface Run {
  readonly first: number;
  readonly count: number;
}

// Devices bind at multiples of 256 bytes.
const ALIGNMENT = 64;

/**
 * The fewest runs of items whose tensors can be bound.
 *
 * @param count Of the items.
 * @param sizes Numbers that an item takes in each of the tensors.
 * @throws {RangeError} If one item is too large, or runs would begin where nothing can be
 * bound.
 */
export function runsOf(count: number, sizes: readonly number[]): readonly Run[] {
  const most = mostNumbers();
  const fit = Math.floor(most / Math.max(...sizes));
  if (count <= fit) return [{ first: 0, count }];
  const unit = Math.max(
    ...sizes.map((size) => ALIGNMENT / commonDivisor(ALIGNMENT, size)),
  );
  const step = Math.floor(fit / unit) * unit;
  if (step === 0) {
    const mebibytes = Math.ceil(4 * Math.max(...sizes) / 2 ** 20);
    throw new RangeError(
      `Cannot compute with ${count} maps of ${mebibytes} MiB each: this device binds at ` +
        `most ${Math.floor(4 * most / 2 ** 20)} MiB; use smaller images or batches`,
    );
  }
  return Array.from({ length: Math.ceil(count / step) }, (_, i) => ({
    first: i * step,
    count: Math.min(step, count - i * step),
  }));
}

/** What a run takes of a tensor whose items have the given size; the last may be shorter. */
export function partOf(tensor: tf.Tensor, { first, count }: Run, size: number): Part {
  const from = first * size;
  return { tensor, from, size: Math.min(count * size, tensor.size - from) };
}

/** A kernel with one output whose items can be computed apart. */
export interface Divisible<U extends string> {
  readonly count: number;
  /** Each with the numbers that an item takes of it, or none where every item needs all. */
  readonly inputs: readonly (readonly [tf.Tensor, number?])[];
  readonly output: readonly [shape: readonly number[], size: number];
  /** What to run for some of the items. */
  call(run: Run): {
    readonly uniforms: Readonly<Record<U, number>>;
    readonly invocations: number;
  };
}

/** Runs a kernel once, or in runs where its tensors are larger than the device binds. */
export function launchInRuns<U extends string>(
  kernel: Kernel<U>,
  { count, inputs, output: [shape, size], call }: Divisible<U>,
): tf.Tensor {
  const sizes = inputs.flatMap(([, size]) => size === undefined ? [] : [size]);
  const runs = runsOf(count, [...sizes, size]);
  const [whole] = runs;
  if (whole !== undefined && runs.length === 1) {
    const tensors = inputs.map(([tensor]) => tensor);
    return launchOne(kernel, { ...call(whole), inputs: tensors, outputs: [{ shape }] });
  }
  const result = makeTensor({ shape });
  for (const run of runs) {
    launch(kernel, {
      ...call(run),
      inputs: inputs.map(([tensor, size]) =>
        size === undefined ? tensor : partOf(tensor, run, size)
      ),
      updates: [partOf(result, run, size)],
    });
  }
  return result;
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
