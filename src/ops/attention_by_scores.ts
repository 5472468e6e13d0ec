import * as tf from "../core/tf.ts";
import { matMul } from "./mat_mul.ts";

/** Multi-head softmax attention in steps, see `attention.ts`; on every backend. */
export function attentionByScores(
  query: tf.Tensor3D,
  keyValue: tf.Tensor3D,
  heads: number,
): tf.Tensor3D {
  const [B, N, C] = query.shape;
  const M = keyValue.shape[1];
  const D = C / heads;
  return tf.tidy(() => {
    const split = (x: tf.Tensor, count: number) =>
      tf.transpose(tf.reshape(x, [B, count, heads, D]), [0, 2, 1, 3]);
    const q = split(query, N); // [B, heads, N, D]
    const k = split(tf.slice(keyValue, [0, 0, 0], [B, M, C]), M); // [B, heads, M, D]
    const v = split(tf.slice(keyValue, [0, 0, C], [B, M, C]), M); // [B, heads, M, D]
    const scores = tf.mul(matMul(q, k, { transposeB: true }), D ** -0.5); // [B, heads, N, M]
    const mixed = matMul(tf.softmax(scores), v); // [B, heads, N, D]
    return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [B, N, C]);
  });
}
