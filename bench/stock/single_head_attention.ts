import * as tf from "../../src/core/tf.ts";

/** Attention with one head of two products and a softmax. */
export function singleHeadAttention(
  query: tf.Tensor3D,
  key: tf.Tensor3D,
  value: tf.Tensor3D,
  scale: number,
): tf.Tensor3D {
  return tf.tidy(() => {
    const scores = tf.mul(tf.matMul(query, key, false, true), scale); // [B, N, M]
    return tf.matMul(tf.softmax(scores), value);
  });
}
