import { IGNORED } from "../core/host_batch.ts";
import * as tf from "../core/tf.ts";
import { softmaxCrossEntropy } from "../ops/cross_entropy.ts";

/**
 * Cross entropy averaged over the pixels that have a label; 0 if none has.
 *
 * This is PyTorch's mean, used by the semi-supervised losses; see `meanCrossEntropy` for
 * the other one.
 *
 * @param logits At label size. [B, H, W, C]
 * @param labels int32, 255 ignored. [B, H, W]
 * @returns A scalar; the caller owns it.
 */
export function validCrossEntropy(logits: tf.Tensor, labels: tf.Tensor): tf.Scalar {
  return tf.tidy(() => {
    // Ignored pixels have loss 0.
    const sum = tf.sum(tf.sum(softmaxCrossEntropy(logits, labels), -1));
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
