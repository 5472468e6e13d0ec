import * as tf from "../../src/core/tf.ts";
import type { Transpositions } from "../../src/ops/mat_mul/mat_mul.ts";

export type { Transpositions };

/** tfjs's matrix product with its own gradients. */
export function matMul<T extends tf.Tensor>(
  a: tf.Tensor,
  b: tf.Tensor,
  { transposeB = false }: Omit<Transpositions, "transposeA"> = {},
): T {
  return tf.matMul<T>(a, b, false, transposeB);
}

/** tfjs's matrix product. */
export function matMulWithoutGradient(
  a: tf.Tensor,
  b: tf.Tensor,
  { transposeA = false, transposeB = false }: Transpositions = {},
): tf.Tensor {
  return tf.matMul(a, b, transposeA, transposeB);
}
