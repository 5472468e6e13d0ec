import { IGNORED } from "../core/host_batch.ts";
import * as tf from "../core/tf.ts";
import { NO_VALUE, percentile, percentileOfShare } from "../ops/order_statistic.ts";
import { countValid, isValid, validCrossEntropy } from "./valid_cross_entropy.ts";

// Keeps the logarithm finite; the source's constant.
const TINY = 1e-10;

/**
 * How unsure a teacher is of pixels that have a label.
 *
 * E = −Σ_c p_c · log(p_c + 1e-10), p = softmax of the teacher
 *
 * @param labels int32, 255 ignored. [B, H, W]
 * @param teacherLogits [B, H, W, C]
 * @returns E, or `NO_VALUE` where there is no label. [B, H, W]; the caller owns it. No
 * gradient.
 */
export function labelledEntropy(
  labels: tf.Tensor,
  teacherLogits: tf.Tensor,
): tf.Tensor {
  return tf.tidy(() => {
    const p = tf.softmax(teacherLogits);
    const entropy = tf.neg(tf.sum(tf.mul(p, tf.log(tf.add(p, TINY))), -1)); // [B, H, W]
    return tf.where(isValid(labels), entropy, tf.scalar(NO_VALUE));
  });
}

/**
 * Takes the label from the pixels of which the teacher is least sure.
 *
 * Pixels with E ≥ τ lose their label, τ being a percentile of E over the labelled pixels.
 * So at 80 the 80 % surest pixels stay, and at 100 all but the least sure.
 *
 * @param labels int32, 255 ignored. [B, H, W]
 * @param entropy E, see {@linkcode labelledEntropy}. [B, H, W]
 * @param percent The percentile, 0 … 100; or a share on the device, 0 … 1. [1]
 * @returns Labels like `labels`; the caller owns them. No gradient.
 */
export function keepSure(
  labels: tf.Tensor,
  entropy: tf.Tensor,
  percent: number | tf.Tensor,
): tf.Tensor {
  return tf.tidy(() => {
    const bound = typeof percent === "number"
      ? percentile(entropy, percent)
      : percentileOfShare(entropy, percent);
    const sure = tf.less(entropy, bound);
    return tf.where(sure, labels, tf.scalar(IGNORED, "int32"));
  });
}

/** {@linkcode keepSure} by the entropy of a teacher's logits. [B, H, W, C] */
export function dropUncertain(
  labels: tf.Tensor,
  teacherLogits: tf.Tensor,
  percent: number,
): tf.Tensor {
  return tf.tidy(() => keepSure(labels, labelledEntropy(labels, teacherLogits), percent));
}

/**
 * The semi-supervised loss on pseudo-labelled pixels.
 *
 * L = (B·H·W / n) · mean cross entropy over the n pixels that have a label
 *
 * Source: U2PL, Wang et al. (CVPR 2022), https://arxiv.org/abs/2203.03884, as in the
 * semi-supervised branch of FST.
 *
 * @param logits The student's, of any size. [B, h, w, C]
 * @param labels int32, after {@linkcode dropUncertain}. [B, H, W]
 * @param options How the logits are enlarged, see `resizeLogits`.
 * @returns A scalar; the caller owns it.
 */
export function unsupervisedLoss(
  logits: tf.Tensor,
  labels: tf.Tensor,
  options: { readonly alignCorners?: boolean } = {},
): tf.Scalar {
  return tf.tidy(() => {
    const factor = tf.div(labels.size, tf.maximum(countValid(labels), 1));
    return tf.mul(validCrossEntropy(logits, labels, options), factor);
  });
}
