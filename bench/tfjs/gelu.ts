import * as tf from "../../src/core/tf.ts";

/** GELU of four operations; the tape knows their gradients. */
export function gelu<T extends tf.Tensor>(x: T): T {
  return tf.tidy(() => {
    const probability = tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
    return tf.mul(x, probability);
  });
}
