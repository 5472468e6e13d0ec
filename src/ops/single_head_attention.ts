import * as tf from "../core/tf.ts";
import { matMul } from "./mat_mul.ts";

/**
 * Softmax attention with one head, softmax(scale · Q·Kᵀ)·V, whose values may be wider
 * than its keys.
 *
 * @param query [B, N, D]
 * @param key [B, M, D]
 * @param value [B, M, C]
 * @param scale D^-½ in a Transformer, 1 where affinities are taken as they are.
 * @returns [B, N, C]; the caller owns it.
 */
export function singleHeadAttention(
  query: tf.Tensor3D,
  key: tf.Tensor3D,
  value: tf.Tensor3D,
  scale: number,
): tf.Tensor3D {
  return tf.tidy(() => {
    const products = matMul(query, key, { transposeB: true }); // [B, N, M]
    const scores = scale === 1 ? products : tf.mul(products, scale);
    return matMul(tf.softmax(scores), value);
  });
}
