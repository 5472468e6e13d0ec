import * as tf from "../../src/core/tf.ts";
import type { Transposed } from "../../src/ops/mat_mul.ts";

export type { Transposed };

/** tfjs's matrix product with its own gradients. */
export function matMul<T extends tf.Tensor>(
  a: tf.Tensor,
  b: tf.Tensor,
  { transposeB = false }: { readonly transposeB?: boolean } = {},
): T {
  return tf.matMul<T>(a, b, false, transposeB);
}

/** tfjs's matrix product. */
export function product(
  a: tf.Tensor,
  b: tf.Tensor,
  transposed: Transposed = {},
): tf.Tensor {
  return tf.matMul(a, b, transposed.a ?? false, transposed.b ?? false);
}
