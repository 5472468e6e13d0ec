import * as tf from "../core/tf.ts";
import { canAttend } from "../kernels/attention/mod.ts";
import { attentionByScores } from "./attention_by_scores.ts";
import { attentionWithoutScores } from "./attention_without_scores.ts";

/**
 * Multi-head softmax attention, softmax(Q·Kᵀ / √D)·V for each head of D = C / heads.
 *
 * On a device, heads of few channels never store the N × M scores where these would take
 * much memory: gradients compute them again, as in Dao et al., "FlashAttention" (NeurIPS 2022), https://arxiv.org/abs/2205.14135.
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
  const scores = B * heads * N * keyValue.shape[1];
  const fits = canAttend(C / heads, scores);
  return tf.getBackend() === "webgpu" && fits
    ? attentionWithoutScores(query, keyValue, heads)
    : attentionByScores(query, keyValue, heads);
}
