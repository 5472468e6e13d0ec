import * as tf from "../core/tf.ts";
import { softmaxCrossEntropy } from "../ops/cross_entropy.ts";

/**
 * Weighted cross entropy, averaged over all pixels.
 *
 * L = Σ w · loss / (B·H·W): ignored and zero-weight pixels stay in the denominator, so
 * the more is ignored, the smaller the loss. This is mmsegmentation's mean, part of the
 * published method.
 *
 * @param logits At label size. [B, H, W, C]
 * @param labels int32, 255 ignored. [B, H, W]
 * @param weights Per pixel, or null for 1. [B, H, W]
 * @returns A scalar; the caller owns it.
 */
export function meanCrossEntropy(
  logits: tf.Tensor,
  labels: tf.Tensor,
  weights: tf.Tensor | null,
): tf.Scalar {
  return tf.tidy(() => {
    const loss = softmaxCrossEntropy(logits, labels);
    const weighted = weights === null ? loss : tf.mul(loss, weights);
    // Row by row: short float32 sums lose less than one long one.
    return tf.div(tf.sum(tf.sum(weighted, -1)), labels.size);
  });
}
