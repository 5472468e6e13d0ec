import * as tf from "../../src/core/tf.ts";

/** One product with a transposed matrix, summed as it comes. */
export function rowProduct(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D {
  return tf.matMul(a, b, true, false);
}
