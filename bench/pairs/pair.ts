/** An operation of ours and the composition of tfjs operations that it replaces. @module */
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";

/** What an operation gives. */
export type Results = tf.Tensor | readonly tf.Tensor[];

/** Two ways to the same result. */
export interface Pair {
  /** Makes what both are called with; the caller frees it. */
  inputs(): tf.Tensor[];
  /** How many of the inputs, from the first, get a gradient; 0: the operation has none. */
  readonly differentiableInputs: number;
  ours(...inputs: tf.Tensor[]): Results;
  tfjs(...inputs: tf.Tensor[]): Results;
  /** Multiplications and additions of a forward pass; 0: moving memory is all the work. */
  readonly flops: number;
  /** Largest difference allowed, relative to the largest value. */
  readonly tolerance: number;
}

/** A pair by its two functions. */
export function pair(
  inputs: () => tf.Tensor[],
  [ours, tfjs]: readonly [Pair["ours"], Pair["tfjs"]],
  { differentiableInputs = 0, flops = 0, tolerance = 1e-5 }: {
    differentiableInputs?: number;
    flops?: number;
    tolerance?: number;
  } = {},
): Pair {
  return {
    inputs: () => tf.tidy(inputs),
    ours,
    tfjs,
    differentiableInputs,
    flops,
    tolerance,
  };
}

/**
 * The gradients of Σ weights · result by the first inputs; the caller frees them.
 *
 * @param weights Like the result.
 */
export function inputGradients(
  run: Pair["ours"],
  differentiableInputs: number,
  inputs: readonly tf.Tensor[],
  weights: tf.Tensor,
): tf.Tensor[] {
  const constants = inputs.slice(differentiableInputs);
  const forward = (...variables: tf.Tensor[]) =>
    run(...variables, ...constants) as tf.Tensor;
  return tf.grads(forward)(inputs.slice(0, differentiableInputs), weights);
}

/** Normal numbers, the same for every run. */
export function normalTensor<R extends tf.Rank>(
  shape: tf.ShapeMap[R],
  stream = "numbers",
): tf.Tensor<R> {
  const size = shape.reduce((all, side) => all * side, 1);
  const random = createRandom(0, stream);
  // Normal numbers cost a logarithm each; these repeat after a prime number of them.
  const period = Float32Array.from({ length: Math.min(size, PERIOD) }, random.normal);
  const values = Float32Array.from({ length: size }, (_, i) => period[i % PERIOD] ?? 0);
  return tf.tensor(values, shape);
}

const PERIOD = 65_521;

/** Class ids of pixels, about every tenth 255. int32 */
export function randomClassIds(shape: readonly number[], classes: number): tf.Tensor {
  const size = shape.reduce((all, side) => all * side, 1);
  const random = createRandom(0, "class ids");
  const ids = Int32Array.from({ length: size }, () => {
    return random.uniform() < 0.1 ? 255 : random.integer(classes);
  });
  return tf.tensor(ids, [...shape], "int32");
}
