/** Pseudo-labels from a teacher's logits. @module */
import type { UpsampleOptions } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { rankCount } from "../core/ranks.ts";
import { meanOverRanks, meansOverRanks } from "../ops/across_ranks.ts";
import {
  type UpsampledArgmax,
  upsampledArgmax,
} from "../ops/argmax_confidence/upsampled_argmax.ts";
import { pixelSoftmax } from "../ops/softmax/softmax.ts";
import { isValid, resizeLogits } from "./cross_entropy.ts";

/** How much pseudo-labels count. */
export interface PseudoLabelOptions {
  /** A pixel is confident if its probability is at least this. */
  readonly threshold: number;
  /** Rows at the top without weight, in pixels. */
  readonly ignoreTop: number;
  /** Rows at the bottom without weight, in pixels. */
  readonly ignoreBottom: number;
}

/** A teacher's pseudo-labels of target images. */
export interface PseudoLabel {
  /** Most probable class of every pixel, however uncertain. int32. [B, H, W] */
  readonly labels: tf.Tensor;
  /** Its probability. [B, H, W] */
  readonly confidence: tf.Tensor;
  /** q, or 0 in the ignored rows. [B, H, W] */
  readonly pixelWeights: tf.Tensor;
  /** q: the share of confident pixels in the whole batch, that of all ranks. A scalar. */
  readonly confidentShare: tf.Tensor;
}

/**
 * Turns a teacher's logits into pseudo-labels.
 *
 * q = #(p ≥ threshold) / (B·H·W), one number for the batch, is the weight of all pixels; no
 * pixel is masked for being uncertain.
 *
 * Source: DACS, Tranheden et al. (WACV 2021), https://arxiv.org/abs/2007.08702. Nothing is
 * read back from the device.
 *
 * @param logits Of any size. [B, h, w, C]
 * @param size Height and width of the images, in pixels: H and W.
 * @returns Four tensors; the caller owns them.
 * @throws {RangeError} If more rows are ignored than there are.
 */
export function computePseudoLabel(
  logits: tf.Tensor4D,
  size: readonly [number, number],
  options: PseudoLabelOptions,
  upsampling: UpsampleOptions = {},
): PseudoLabel {
  return tf.tidy(() => {
    const argmax = upsampledArgmax(logits, size, options.threshold, upsampling);
    return { ...weightPixels(argmax, options) };
  });
}

/**
 * The pseudo-labels of a batch.
 *
 * @param parts Those of its micro-batches, which are of one size; the caller owns them.
 * @param options As they were computed with.
 * @returns Four tensors; the caller owns them.
 */
export function joinPseudoLabels(
  parts: readonly PseudoLabel[],
  options: PseudoLabelOptions,
): PseudoLabel {
  return tf.tidy(() => {
    const labels = tf.concat(parts.map(({ labels }) => labels), 0);
    const confidence = tf.concat(parts.map(({ confidence }) => confidence), 0);
    const shares = tf.stack(parts.map(({ confidentShare }) => confidentShare));
    const joined = { labels, confidence, confidentShare: tf.mean(shares) };
    return { ...weightPixels(joined, options) };
  });
}

function weightPixels(
  argmax: UpsampledArgmax,
  { ignoreTop, ignoreBottom }: PseudoLabelOptions,
): PseudoLabel {
  const [B = 0, H = 0, W = 0] = argmax.labels.shape;
  const rows = H - ignoreTop - ignoreBottom;
  if (rows < 0) {
    throw new RangeError(
      `Cannot weight pseudo-labels: "ignoreTop" ${ignoreTop} and "ignoreBottom" ` +
        `${ignoreBottom} are more than the ${H} rows of a crop`,
    );
  }
  const confidentShare = meanOverRanks(argmax.confidentShare);
  const weight = tf.reshape(confidentShare, [1, 1, 1]);
  const tiled = tf.tile(weight, [B, rows, W]);
  const pixelWeights = tf.pad(tiled, [[0, 0], [ignoreTop, ignoreBottom], [0, 0]]);
  return { ...argmax, confidentShare, pixelWeights };
}

// Less than any probability that a mean can have beside one of 1: keeps logarithms finite.
const LEAST_PROBABILITY = 1e-30;

/**
 * Logits whose softmax is the mean of those of several predictions.
 *
 * @param logits Each [B, h, w, C].
 * @param size Height and width of the images, in pixels: H and W.
 * @returns The caller owns it. [B, H, W, C]
 */
export function meanLogits(
  logits: readonly tf.Tensor4D[],
  size: readonly [number, number],
  upsampling: UpsampleOptions = {},
): tf.Tensor4D {
  return tf.tidy(() => {
    const probabilities = logits.map((map) =>
      tf.tidy(() => pixelSoftmax(resizeLogits(map, size, upsampling)))
    );
    const mean = tf.div(tf.addN(probabilities), logits.length);
    return tf.log(tf.maximum(mean, LEAST_PROBABILITY));
  });
}

/**
 * The share of pixels that have the same label in both, among those that have one in
 * either; 1 if there are none.
 *
 * @param a int32, 255 for no label. [B, H, W]
 * @param b Likewise.
 * @returns A scalar in 0 … 1; the caller owns it.
 */
export function labelAgreement(a: tf.Tensor, b: tf.Tensor): tf.Scalar {
  return tf.tidy(() => {
    const either = tf.cast(tf.logicalOr(isValid(a), isValid(b)), "float32");
    const differ = tf.cast(tf.notEqual(a, b), "float32");
    const [differing = 0, labeled = 0] = meansOverRanks([tf.sum(differ), tf.sum(either)]);
    return tf.sub(1, tf.div(differing, tf.maximum(labeled, 1 / rankCount())));
  });
}
