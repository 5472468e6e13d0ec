import * as tf from "../core/tf.ts";
import { argmaxConfidence } from "../ops/argmax_confidence.ts";

/**
 * The share of all pixels whose most probable class is the label.
 *
 * Ignored pixels never match and stay in the denominator, as in mmsegmentation. No
 * gradient.
 *
 * @param logits At label size. [B, H, W, C]
 * @param labels int32. [B, H, W]
 * @returns A scalar in 0 … 1; the caller owns it.
 */
export function accuracy(logits: tf.Tensor, labels: tf.Tensor): tf.Scalar {
  return tf.tidy(() => {
    const { labels: predicted } = argmaxConfidence(logits);
    return tf.mean(tf.cast(tf.equal(predicted, labels), "float32"));
  });
}
