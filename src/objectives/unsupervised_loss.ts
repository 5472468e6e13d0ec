/**
 * The loss of semi-supervised learning on confident pseudo-labels.
 *
 * Source: U2PL, Wang et al. (CVPR 2022), https://arxiv.org/abs/2203.03884, as in the
 * semi-supervised branch of FST.
 *
 * @module
 */
import type { UpsampleOptions } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { gatherBatch } from "../ops/across_ranks.ts";
import {
  NO_VALUE,
  percentile,
  percentileOfTensorFraction,
} from "../ops/order_statistic/order_statistic.ts";
import { isValid, maskLabels, validCrossEntropy, validDivisor } from "./cross_entropy.ts";
import { softmax } from "../ops/softmax/softmax.ts";

// Keeps the logarithm finite; the source's constant.
const ENTROPY_EPSILON = 1e-10;

/**
 * The entropy of a teacher's prediction at the pixels that have a label.
 *
 * E = −Σ_c p_c · log(p_c + 1e-10), p = softmax of the teacher
 *
 * @param labels int32, 255 ignored. [B, H, W]
 * @param teacherLogits [B, H, W, C]
 * @returns E, or `NO_VALUE` where there is no label. [B, H, W]; the caller owns it. No
 * gradient.
 */
export function maskedEntropy(
  labels: tf.Tensor,
  teacherLogits: tf.Tensor,
): tf.Tensor {
  return tf.tidy(() => {
    const p = softmax(teacherLogits);
    const entropy = tf.neg(tf.sum(tf.mul(p, tf.log(tf.add(p, ENTROPY_EPSILON))), -1)); // [B, H, W]
    return tf.where(isValid(labels), entropy, tf.scalar(NO_VALUE));
  });
}

/**
 * Removes the labels of uncertain pixels: those with E ≥ τ, τ being a percentile of E over
 * the labeled pixels. At 80 the most confident 80 % stay.
 *
 * @param labels int32, 255 ignored. [B, H, W]
 * @param entropy E, see {@linkcode maskedEntropy}. [B, H, W]
 * @param keptPercent The percentile, 0 … 100; or a fraction on the device, 0 … 1. [1]
 * @returns Labels like `labels`; the caller owns them. No gradient.
 */
export function filterByEntropy(
  labels: tf.Tensor,
  entropy: tf.Tensor,
  keptPercent: number | tf.Tensor,
): tf.Tensor {
  return tf.tidy(() => {
    const ofBatch = gatherBatch(entropy);
    const threshold = typeof keptPercent === "number"
      ? percentile(ofBatch, keptPercent)
      : percentileOfTensorFraction(ofBatch, keptPercent);
    return maskLabels(labels, tf.less(entropy, threshold));
  });
}

/**
 * The loss on pseudo-labeled pixels.
 *
 * L = (B·H·W / n) · mean cross entropy over the n pixels that have a label
 *
 * @param logits The student's, of any size. [B, h, w, C]
 * @param labels int32, after {@linkcode filterByEntropy}. [B, H, W]
 * @returns A scalar; the caller owns it.
 */
export function unsupervisedLoss(
  logits: tf.Tensor,
  labels: tf.Tensor,
  upsampling: UpsampleOptions = {},
): tf.Scalar {
  return tf.tidy(() => {
    const scale = tf.div(labels.size, validDivisor(labels));
    return tf.mul(validCrossEntropy(logits, labels, upsampling), scale);
  });
}
