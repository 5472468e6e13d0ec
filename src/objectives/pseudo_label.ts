import * as tf from "../core/tf.ts";
import { upsampledBelief } from "../ops/upsampled_belief.ts";

/** How far pseudo-labels are trusted. */
export interface PseudoLabelOptions {
  /** A pixel is confident if its probability is at least this. */
  readonly threshold: number;
  /** Rows at the top without weight, in pixels. */
  readonly ignoreTop: number;
  /** Rows at the bottom without weight, in pixels. */
  readonly ignoreBottom: number;
}

/** A teacher's opinion of target images. */
export interface PseudoLabel {
  /** Most probable class of every pixel, however unsure. int32. [B, H, W] */
  readonly labels: tf.Tensor;
  /** Its probability, for pictures. [B, H, W] */
  readonly confidence: tf.Tensor;
  /** q, or 0 in the ignored rows. [B, H, W] */
  readonly weights: tf.Tensor;
  /** q: the share of confident pixels in the whole batch. A scalar. */
  readonly share: tf.Tensor;
}

/**
 * Turns a teacher's logits into pseudo-labels.
 *
 * q = #(p ≥ threshold) / (B·H·W), one number for the batch, is the weight of all pixels; no
 * pixel is masked for being unsure.
 *
 * Source: DACS, Tranheden et al. (WACV 2021), https://arxiv.org/abs/2007.08702. Nothing is
 * read back from the device.
 *
 * @param logits Of any size. [B, h, w, C]
 * @param size Height and width of the images, in pixels: H and W.
 * @param enlarging How the logits are enlarged, see `resizeLogits`.
 * @returns Four tensors; the caller owns them.
 * @throws {RangeError} If more rows are ignored than there are.
 */
export function pseudoLabel(
  logits: tf.Tensor4D,
  size: readonly [number, number],
  { threshold, ignoreTop, ignoreBottom }: PseudoLabelOptions,
  enlarging: { readonly alignCorners?: boolean } = {},
): PseudoLabel {
  const [H, W] = size;
  const rows = H - ignoreTop - ignoreBottom;
  if (rows < 0) {
    throw new RangeError(
      `Cannot weigh pseudo-labels: "ignoreTop" ${ignoreTop} and "ignoreBottom" ` +
        `${ignoreBottom} are more than the ${H} rows of a crop`,
    );
  }
  return tf.tidy(() => {
    const belief = upsampledBelief(logits, size, threshold, enlarging);
    const one = tf.reshape(belief.share, [1, 1, 1]);
    const trusted = tf.tile(one, [logits.shape[0], rows, W]);
    const weights = tf.pad(trusted, [[0, 0], [ignoreTop, ignoreBottom], [0, 0]]);
    return { ...belief, weights };
  });
}
