import * as tf from "../../src/core/tf.ts";

/** One product with the transposed rows. */
export function gram(x: tf.Tensor3D): tf.Tensor3D {
  return tf.matMul(x, x, true, false);
}
