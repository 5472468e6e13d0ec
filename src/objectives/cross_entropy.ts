import * as tf from "../core/tf.ts";
import { upsampledCrossEntropy } from "../ops/upsampled_cross_entropy.ts";

/**
 * Weighted cross entropy of logits enlarged to the size of the labels, averaged over all
 * pixels.
 *
 * L = Σ w · loss / (B·H·W): ignored and zero-weight pixels stay in the denominator, so
 * the more is ignored, the smaller the loss. This is mmsegmentation's mean, part of the
 * published method.
 *
 * @param logits Of any size. [B, h, w, C]
 * @param labels int32, 255 ignored. [B, H, W]
 * @param weights Per pixel, without gradient, or null for 1. [B, H, W]
 * @param options How the logits are enlarged, see `resizeLogits`.
 * @returns A scalar; the caller owns it.
 */
export function meanCrossEntropy(
  logits: tf.Tensor,
  labels: tf.Tensor,
  weights: tf.Tensor | null,
  options: { readonly alignCorners?: boolean } = {},
): tf.Scalar {
  return tf.tidy(() =>
    tf.div(upsampledCrossEntropy(logits, labels, weights, options), labels.size)
  );
}
