/** Pseudo-labels from a teacher's logits. @module */
import type { ImagePlacement, Size } from "../core/host_batch.ts";
import type { UpsampleOptions } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { upsampledArgmax } from "../ops/argmax_confidence/upsampled_argmax.ts";
import { isValid } from "./cross_entropy.ts";

/** Sizes of the edges of an image in pixels. */
export interface Margins {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/**
 * Where the images of crops are, less their margins.
 *
 * Source: HRDA, Hoyer et al. (ECCV 2022), https://arxiv.org/abs/2204.13132, whose margins
 * are those of the images: a crop has one only where it reaches that edge.
 *
 * @param crops A crop without a placement is an image.
 * @returns 1 there, 0 in the margins and beyond the images. [B, height, width]
 */
export function insideMargins(
  { batchSize, height, width, placements = [] }: Size & {
    readonly batchSize: number;
    readonly placements?: readonly ImagePlacement[] | undefined;
  },
  margins: Margins,
): Float32Array<ArrayBuffer> {
  const inside = new Float32Array(batchSize * height * width);
  for (let b = 0; b < batchSize; b++) {
    const image = placements[b] ?? { top: 0, left: 0, height, width, isFlipped: false };
    const { isFlipped } = image;
    const leftMargin = isFlipped ? margins.right : margins.left;
    const rightMargin = isFlipped ? margins.left : margins.right;
    const firstRow = Math.max(0, image.top + margins.top);
    const lastRow = Math.min(height, image.top + image.height - margins.bottom);
    const firstColumn = Math.max(0, image.left + leftMargin);
    const lastColumn = Math.min(width, image.left + image.width - rightMargin);
    for (let row = firstRow; row < lastRow && firstColumn < lastColumn; row++) {
      const start = (b * height + row) * width;
      inside.fill(1, start + firstColumn, start + lastColumn);
    }
  }
  return inside;
}

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
  /** q: the share of confident pixels in the whole batch. A scalar. */
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
  { threshold, ignoreTop, ignoreBottom }: PseudoLabelOptions,
  upsampling: UpsampleOptions = {},
): PseudoLabel {
  const [H, W] = size;
  const rows = H - ignoreTop - ignoreBottom;
  if (rows < 0) {
    throw new RangeError(
      `Cannot weight pseudo-labels: "ignoreTop" ${ignoreTop} and "ignoreBottom" ` +
        `${ignoreBottom} are more than the ${H} rows of a crop`,
    );
  }
  return tf.tidy(() => {
    const upsampled = upsampledArgmax(logits, size, threshold, upsampling);
    const weight = tf.reshape(upsampled.confidentShare, [1, 1, 1]);
    const tiled = tf.tile(weight, [logits.shape[0], rows, W]);
    const pixelWeights = tf.pad(tiled, [[0, 0], [ignoreTop, ignoreBottom], [0, 0]]);
    return { ...upsampled, pixelWeights };
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
    return tf.sub(1, tf.div(tf.sum(differ), tf.maximum(tf.sum(either), 1)));
  });
}
