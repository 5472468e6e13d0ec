import * as tf from "../../src/core/tf.ts";
import type * as ours from "../../src/ops/attention/attention.ts";

/** Multi-head attention of products, softmax and transpositions. */
export const attention: typeof ours.attention = (query, keyValue, heads) =>
  tf.tidy(() => {
    const D = query.shape[2] / heads;
    const headsOf = (x: tf.Tensor) =>
      // [B, heads, N or M, D]
      tf.transpose(tf.reshape(x, [query.shape[0], -1, heads, D]), [0, 2, 1, 3]);
    const [k, v] = tf.split(keyValue, 2, 2).map(headsOf) as [tf.Tensor, tf.Tensor];
    const scores = tf.mul(tf.matMul(headsOf(query), k, false, true), D ** -0.5);
    const mixed = tf.matMul(tf.softmax(scores), v); // [B, heads, N, D]
    return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), query.shape);
  });

/** Attention with one head of two products and a softmax. */
export const singleHeadAttention: typeof ours.singleHeadAttention = (
  ...[query, key, value, scale]
) =>
  tf.tidy(() => {
    const scores = tf.mul(tf.matMul(query, key, false, true), scale); // [B, N, M]
    return tf.matMul(tf.softmax(scores), value);
  });
