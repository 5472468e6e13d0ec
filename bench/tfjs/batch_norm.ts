import * as tf from "../../src/core/tf.ts";
import type { Affine, Moments } from "../../src/ops/batch_norm/batch_norm.ts";

/** Moments over all axes but the last, on the tape: {@linkcode batchNorm} relies on it. */
export function batchMoments(x: tf.Tensor): Moments {
  return tf.tidy(() => tf.moments(x, [...Array(x.rank - 1).keys()]));
}

/** tfjs's batch norm, whose gradient flows through the moments. */
export function batchNorm<T extends tf.Tensor>(
  x: T,
  { scale, shift, epsilon }: Affine,
  { mean, variance }: Moments,
): T {
  const [m, v, o, s] = [mean, variance, shift, scale] as tf.Tensor1D[];
  // tfjs types the moments as vectors or as tensors like x, never as plain tensors.
  return tf.batchNorm(x, m as tf.Tensor1D, v as tf.Tensor1D, o, s, epsilon) as T;
}

/** The same with moments that do not depend on x. */
export const frozenBatchNorm: typeof batchNorm = batchNorm;
