import * as tf from "../core/tf.ts";
import { channelDistance } from "../ops/channel_distance.ts";

/**
 * Keeps features near those of a frozen network, at chosen places.
 *
 * L = λ · mean over the masked places of the batch of ‖F(p) − F₀(p)‖₂; 0 without such a
 * place, and gradient 0 where the features are equal.
 *
 * Source: Hoyer et al., "DAFormer" (CVPR 2022), https://arxiv.org/abs/2111.14887, section
 * 3.3. (The published code logs NaN for an empty mask; its gradient is zero, too.)
 *
 * @param features F. [B, h, w, C]
 * @param frozen F₀. [B, h, w, C]
 * @param mask 1 at the places that count, else 0; null for all places. [B, h, w]
 * @param weight λ
 * @param counted The mask whose places the mean is over, if it is not `mask`.
 * @returns A scalar; the caller owns it.
 */
export function featureDistance(
  features: tf.Tensor,
  frozen: tf.Tensor,
  mask: tf.Tensor | null,
  weight: number,
  counted: tf.Tensor | null = mask,
): tf.Scalar {
  return tf.tidy(() => {
    const distance = channelDistance(features, frozen); // [B, h, w]
    if (mask === null) return tf.mul(tf.mean(distance), weight);
    const places = tf.cast(mask, "float32");
    const count = tf.maximum(tf.sum(tf.cast(counted ?? mask, "float32")), 1);
    return tf.mul(tf.div(tf.sum(tf.mul(distance, places)), count), weight);
  });
}
