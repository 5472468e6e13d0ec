/**
 * Cross entropies of logits with labels, which differ in the pixels that they average over.
 *
 * @module
 */
import { IGNORE_INDEX } from "../core/host_batch.ts";
import { rankCount } from "../core/ranks.ts";
import type { DecoderOutput, LabelCrop, UpsampleOptions } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { gatherBatch, meanOverRanks } from "../ops/across_ranks.ts";
import { softmaxCrossEntropy } from "../ops/cross_entropy/cross_entropy.ts";
import { noGrad } from "../ops/no_grad.ts";
import { kthValue } from "../ops/order_statistic/order_statistic.ts";
import { resizeBilinear } from "../ops/resize/resize.ts";
import { upsampledCrossEntropy } from "../ops/cross_entropy/upsampled_cross_entropy.ts";

/**
 * Weighted cross entropy of upsampled logits, averaged over all pixels.
 *
 * L = Σ w · loss / (B·H·W): ignored and zero-weight pixels stay in the denominator, so
 * the more is ignored, the smaller the loss. This is mmsegmentation's mean, part of the
 * published method.
 *
 * @param logits Of any size. [B, h, w, C]
 * @param labels int32, 255 ignored. [B, H, W]
 * @param pixelWeights w, without gradient, or null for 1. [B, H, W]
 * @returns A scalar; the caller owns it.
 */
export function meanCrossEntropy(
  logits: tf.Tensor,
  labels: tf.Tensor,
  pixelWeights: tf.Tensor | null,
  upsampling: UpsampleOptions = {},
): tf.Scalar {
  return tf.tidy(() =>
    tf.div(upsampledCrossEntropy(logits, labels, pixelWeights, upsampling), labels.size)
  );
}

/**
 * Cross entropy of upsampled logits, averaged over the pixels that have a label; 0 if none
 * has. This is PyTorch's mean, used by the semi-supervised losses.
 *
 * @param logits Of any size. [B, h, w, C]
 * @param labels int32, 255 ignored. [B, H, W]
 * @returns A scalar; the caller owns it.
 */
export function validCrossEntropy(
  logits: tf.Tensor,
  labels: tf.Tensor,
  upsampling: UpsampleOptions = {},
): tf.Scalar {
  return tf.tidy(() => {
    // Ignored pixels have loss 0.
    const sum = upsampledCrossEntropy(logits, labels, null, upsampling);
    return tf.div(sum, validDivisor(labels));
  });
}

/**
 * What sums over the labeled pixels of a batch are divided by: their number, or 1 if there
 * are none. Of several ranks it is the mean of their numbers.
 *
 * @returns A scalar; the caller owns it.
 */
export function validDivisor(labels: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.maximum(meanOverRanks(countValid(labels)), 1 / rankCount()));
}

/** Which pixels are hard. */
export interface OhemOptions {
  /** Pixels whose true class is at most this probable are always kept. */
  readonly threshold: number;
  /** At least so many pixels are kept; 0 keeps all. */
  readonly minKept: number;
}

/**
 * Cross entropy over the hardest pixels (online hard example mining).
 *
 * τ = max(threshold, the minKept-th smallest probability of a true class); the mean is over
 * labeled pixels whose true class has a probability of at most τ. With fewer labeled
 * pixels than `minKept` all are kept.
 *
 * Source: U2PL, Wang et al. (CVPR 2022), https://arxiv.org/abs/2203.03884, as in the
 * semi-supervised branch of FST. Ignored pixels count as probability 1 in the order.
 *
 * @param logits At label size. [B, H, W, C]
 * @param labels int32, 255 ignored. [B, H, W]
 * @returns A scalar; the caller owns it.
 */
export function ohemCrossEntropy(
  logits: tf.Tensor,
  labels: tf.Tensor,
  { threshold, minKept }: OhemOptions,
): tf.Scalar {
  return tf.tidy(() => {
    if (minKept === 0) return validCrossEntropy(logits, labels);
    const hardLabels = noGrad(() => {
      const probability = tf.exp(tf.neg(softmaxCrossEntropy(logits, labels)));
      const ofBatch = gatherBatch(probability);
      const rank = Math.min(ofBatch.size, minKept) - 1;
      const probabilityBound = tf.maximum(kthValue(ofBatch, rank), threshold);
      // With too few labels the bound is above every probability.
      const tooFew = tf.less(validDivisor(labels), minKept / rankCount());
      const kept = tf.lessEqual(
        probability,
        tf.add(probabilityBound, tf.cast(tooFew, "float32")),
      );
      return maskLabels(labels, tf.logicalAnd(kept, isValid(labels)));
    });
    return validCrossEntropy(logits, hardLabels);
  });
}

/**
 * The loss of the logits plus that of the auxiliary logits, by their weights.
 *
 * @param loss Of some logits, and of the part of the labels that `cropLabels` cuts out.
 */
export function lossWithAuxiliary(
  { logits, lossWeight = 1, auxiliaryLogits }: DecoderOutput,
  loss: (logits: tf.Tensor4D, cropLabels: LabelCrop) => tf.Scalar,
): tf.Scalar {
  const main = loss(logits, allLabels);
  return auxiliaryLogits.reduce<tf.Scalar>(
    (sum, { logits, lossWeight, cropLabels = allLabels }) =>
      tf.add(sum, tf.mul(loss(logits, cropLabels), lossWeight)),
    lossWeight === 1 ? main : tf.mul(main, lossWeight),
  );
}

const allLabels: LabelCrop = (labels) => labels;

/**
 * Resizes logits to the size of labels, bilinearly.
 *
 * @param logits [B, h, w, C]
 * @param size Height and width, in pixels.
 * @returns [B, H, W, C]; the caller owns it.
 */
export function resizeLogits(
  logits: tf.Tensor4D,
  size: readonly [number, number],
  { alignCorners = false }: UpsampleOptions = {},
): tf.Tensor4D {
  return resizeBilinear(logits, size, { alignCorners });
}

/** @returns The labels where the mask is true, 255 elsewhere; the caller owns them. */
export function maskLabels(labels: tf.Tensor, mask: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.where(mask, labels, tf.scalar(IGNORE_INDEX, "int32")));
}

/** @returns The number of labels that are not 255, a scalar; the caller owns it. */
export function countValid(labels: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.sum(tf.cast(isValid(labels), "float32")));
}

/** @returns Where a label is not 255, bool; the caller owns it. */
export function isValid(labels: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.notEqual(labels, tf.scalar(IGNORE_INDEX, "int32")));
}
