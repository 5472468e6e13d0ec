import { IGNORED } from "../core/host_batch.ts";
import * as tf from "../core/tf.ts";
import { NO_VALUE, percentile } from "../ops/order_statistic.ts";
import { countValid, isValid, validCrossEntropy } from "./valid_cross_entropy.ts";

// Keeps the logarithm finite; the source's constant.
const TINY = 1e-10;

/**
 * Takes the label from the pixels of which the teacher is least sure.
 *
 * E = −Σ_c p_c · log(p_c + 1e-10), p = softmax of the teacher; pixels with E ≥ τ lose their
 * label, τ being a percentile of E over the labelled pixels. So at 80 the 80 % surest
 * pixels stay, and at 100 all but the least sure.
 *
 * @param labels int32, 255 ignored. [B, H, W]
 * @param teacherLogits [B, H, W, C]
 * @param percent The percentile, 0 … 100.
 * @returns Labels like `labels`; the caller owns them. No gradient.
 */
export function dropUncertain(
  labels: tf.Tensor,
  teacherLogits: tf.Tensor,
  percent: number,
): tf.Tensor {
  return tf.tidy(() => {
    const p = tf.softmax(teacherLogits);
    const entropy = tf.neg(tf.sum(tf.mul(p, tf.log(tf.add(p, TINY))), -1)); // [B, H, W]
    const valid = isValid(labels);
    const counted = tf.where(valid, entropy, tf.scalar(NO_VALUE));
    const sure = tf.less(counted, percentile(counted, percent));
    return tf.where(sure, labels, tf.scalar(IGNORED, "int32"));
  });
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
