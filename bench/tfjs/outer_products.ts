import * as tf from "../../src/core/tf.ts";

/** One product with a transposed matrix, summed as it comes. */
export function sumOfOuterProducts(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D {
  return tf.matMul(a, b, true, false);
}

/** One product with the transposed rows. */
export function gramMatrix(x: tf.Tensor3D): tf.Tensor3D {
  return tf.matMul(x, x, true, false);
}
