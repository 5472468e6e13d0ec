/** Softmax attention. @module */
import * as tf from "../../core/tf.ts";
import { matMul } from "../mat_mul/mat_mul.ts";
import { softmax } from "../softmax/softmax.ts";
import { flashAttention, supportsFlashAttention } from "./webgpu.ts";

/** So many scores are worth computing again: 64 MiB that are not kept. */
const MIN_FLASH_SCORES = 2 ** 24;

/**
 * Multi-head softmax attention, softmax(Q·Kᵀ / √D)·V for each head of D = C / heads.
 *
 * On a device, the N × M scores of heads of few channels are never stored where they would
 * take much memory: gradients compute them again, see {@linkcode flashAttention}. That
 * saves memory, not time: on a software driver the steps below were three to six times as
 * fast, with and without gradients, for their products run in register tiles.
 *
 * @param query [B, N, C]
 * @param keyValue Keys first, then values. [B, M, 2C]
 * @param heads Divides C.
 * @returns [B, N, C]; the caller owns it.
 */
export function attention(
  query: tf.Tensor3D,
  keyValue: tf.Tensor3D,
  heads: number,
): tf.Tensor3D {
  const [B, N, C] = query.shape;
  const M = keyValue.shape[1];
  const D = C / heads;
  if (
    tf.getBackend() === "webgpu" && supportsFlashAttention(D) &&
    B * heads * N * M >= MIN_FLASH_SCORES
  ) return flashAttention(query, keyValue, heads);
  return tf.tidy(() => {
    const split = (x: tf.Tensor, count: number) =>
      tf.transpose(tf.reshape(x, [B, count, heads, D]), [0, 2, 1, 3]);
    const q = split(query, N); // [B, heads, N, D]
    const k = split(tf.slice(keyValue, [0, 0, 0], [B, M, C]), M); // [B, heads, M, D]
    const v = split(tf.slice(keyValue, [0, 0, C], [B, M, C]), M); // [B, heads, M, D]
    const mixed = softmaxProduct(q, k, v, D ** -0.5); // [B, heads, N, D]
    return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [B, N, C]);
  });
}

/**
 * Softmax attention with one head, softmax(scale · Q·Kᵀ)·V, whose values may have more
 * channels than its keys.
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
  return tf.tidy(() => softmaxProduct(query, key, value, scale));
}

// softmax(scale · Q·Kᵀ)·V over the last two axes.
function softmaxProduct<T extends tf.Tensor>(q: T, k: T, v: T, scale: number): T {
  const similarities = matMul(q, k, { transposeB: true }); // [..., N, M]
  const scores = scale === 1 ? similarities : tf.mul(similarities, scale);
  return matMul<T>(softmax(scores), v);
}
