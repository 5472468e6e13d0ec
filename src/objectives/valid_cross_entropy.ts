import { IGNORED } from "../core/host_batch.ts";
import * as tf from "../core/tf.ts";
import { upsampledCrossEntropy } from "../ops/upsampled_cross_entropy.ts";

/**
 * Cross entropy of logits enlarged to the size of the labels, averaged over the pixels
 * that have a label; 0 if none has.
 *
 * This is PyTorch's mean, used by the semi-supervised losses; see `meanCrossEntropy` for
 * the other one.
 *
 * @param logits Of any size. [B, h, w, C]
 * @param labels int32, 255 ignored. [B, H, W]
 * @param options How the logits are enlarged, see `resizeLogits`.
 * @returns A scalar; the caller owns it.
 */
export function validCrossEntropy(
  logits: tf.Tensor,
  labels: tf.Tensor,
  options: { readonly alignCorners?: boolean } = {},
): tf.Scalar {
  return tf.tidy(() => {
    // Ignored pixels have loss 0.
    const sum = upsampledCrossEntropy(logits, labels, null, options);
    return tf.div(sum, tf.maximum(countValid(labels), 1));
  });
}

/** @returns The number of labels that are not 255, a scalar; the caller owns it. */
export function countValid(labels: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.sum(tf.cast(isValid(labels), "float32")));
}

/** @returns Where a label is not 255, bool; the caller owns it. */
export function isValid(labels: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.notEqual(labels, tf.scalar(IGNORED, "int32")));
}
