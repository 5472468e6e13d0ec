/** What attentions share. @module */
import * as tf from "../core/tf.ts";
import { matMul } from "../ops/mat_mul/mat_mul.ts";
import { softmax } from "../ops/softmax/softmax.ts";

/** The pixels of a map as a sequence. [B, H·W, C] */
export function flattenPixels(map: tf.Tensor4D): tf.Tensor3D {
  const [B, H, W, C] = map.shape;
  return tf.reshape(map, [B, H * W, C]);
}

/** @throws {RangeError} If `heads` does not divide the channels. */
export function assertHeads(heads: number, channels: number): void {
  if (channels % heads === 0) return;
  throw new RangeError(
    `Cannot split attention: "heads" must divide the channels: received ${heads} for ` +
      `${channels}`,
  );
}

/**
 * Attention with a bias: softmax((Q·D^−½)·Kᵀ + bias)·V for each head of D = C / heads.
 *
 * @param qkv Queries, keys and values of N = H·W tokens. [B, H, W, 3C]
 * @param addBias Adds it to the scores. [B, heads, N, N]
 * @returns The heads side by side. [B, H, W, C]
 */
export function biasedAttention(
  qkv: tf.Tensor4D,
  heads: number,
  addBias: (scores: tf.Tensor4D) => tf.Tensor4D,
): tf.Tensor4D {
  const [B, H, W, packedChannels] = qkv.shape;
  const C = packedChannels / 3;
  const D = C / heads;
  const headsOf = (part: number): tf.Tensor4D => {
    const slice = tf.slice(qkv, [0, 0, 0, part * C], [B, H, W, C]);
    const split = tf.reshape<tf.Rank.R4>(slice, [B, H * W, heads, D]);
    return tf.transpose(split, [0, 2, 1, 3]);
  }; // [B, heads, N, D]
  const query = tf.mul(headsOf(0), D ** -0.5);
  const scores: tf.Tensor4D = matMul(query, headsOf(1), { transposeB: true });
  const attended = matMul(softmax(addBias(scores)), headsOf(2)); // [B, heads, N, D]
  return tf.reshape(tf.transpose(attended, [0, 2, 1, 3]), [B, H, W, C]);
}
