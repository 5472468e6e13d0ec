/**
 * The feature distance to a frozen network, and the mask of the places where it counts.
 *
 * Source: Hoyer et al., "DAFormer" (CVPR 2022), https://arxiv.org/abs/2111.14887, section
 * 3.3.
 *
 * @module
 */
import { IGNORE_INDEX } from "../core/host_batch.ts";
import * as tf from "../core/tf.ts";
import { rankCount } from "../core/ranks.ts";
import { meanOverRanks } from "../ops/across_ranks.ts";
import { channelDistance } from "../ops/channel_distance/channel_distance.ts";

/**
 * The distance of features to those of a frozen network, at chosen places.
 *
 * L = λ · mean over the masked places of the batch of ‖F(p) − F₀(p)‖₂; 0 without such a
 * place, and gradient 0 where the features are equal. (The published code logs NaN for an
 * empty mask; its gradient is zero, too.)
 *
 * @param features F. [B, h, w, C]
 * @param frozen F₀. [B, h, w, C]
 * @param mask 1 at the places that count, else 0; null for all places. [B, h, w]
 * @param weight λ
 * @param countMask The mask of the places that the mean divides by, if it is not `mask`.
 * @returns A scalar; the caller owns it.
 */
export function featureDistance(
  features: tf.Tensor,
  frozen: tf.Tensor,
  mask: tf.Tensor | null,
  weight: number,
  countMask: tf.Tensor | null = mask,
): tf.Scalar {
  return tf.tidy(() => {
    const distance = channelDistance(features, frozen); // [B, h, w]
    if (mask === null) return tf.mul(tf.mean(distance), weight);
    const maskFactors = tf.cast(mask, "float32");
    const places = meanOverRanks(tf.sum(tf.cast(countMask ?? mask, "float32")));
    const count = tf.maximum(places, 1 / rankCount());
    return tf.mul(tf.div(tf.sum(tf.mul(distance, maskFactors)), count), weight);
  });
}

/** When a coarse cell belongs to a class. */
export interface DownscaleOptions {
  /** C */
  readonly classCount: number;
  /** Pixels per cell along each side. */
  readonly factor: number;
  /** A class must hold at least this share of its cell, else the cell is ignored. */
  readonly scaleMinRatio: number;
}

/**
 * Downscales labels: each cell gets the class that most of its pixels have.
 *
 * Ignored pixels count as a class of their own; if they are the most, the cell is ignored.
 * Of equally frequent classes the first wins. Pixels that fill no cell are left out.
 *
 * @param labels Class ids, 255 ignored. [B, H, W]
 * @returns [B, ⌊H/factor⌋, ⌊W/factor⌋]
 */
export function downscaleLabels(
  labels: Uint8Array,
  { height: H, width: W }: { readonly height: number; readonly width: number },
  { classCount, factor, scaleMinRatio }: DownscaleOptions,
): Uint8Array<ArrayBuffer> {
  const batch = labels.length / (H * W);
  const rows = Math.floor(H / factor);
  const columns = Math.floor(W / factor);
  const coarse = new Uint8Array(batch * rows * columns);
  const counts = new Uint32Array(IGNORE_INDEX + 1);
  for (let cell = 0; cell < coarse.length; cell++) {
    const image = Math.floor(cell / (rows * columns));
    const top = Math.floor(cell / columns) % rows * factor;
    const left = cell % columns * factor;
    counts.fill(0);
    for (let y = top; y < top + factor; y++) {
      const first = (image * H + y) * W + left;
      for (const label of labels.subarray(first, first + factor)) {
        counts[label] = (counts[label] ?? 0) + 1;
      }
    }
    coarse[cell] = majorityClass(counts, classCount, scaleMinRatio * factor ** 2);
  }
  return coarse;
}

function majorityClass(
  counts: Uint32Array,
  classCount: number,
  minimumPixels: number,
): number {
  let best = 0;
  for (let c = 1; c < classCount; c++) {
    if ((counts[c] ?? 0) > (counts[best] ?? 0)) best = c;
  }
  const most = counts[best] ?? 0;
  return most < (counts[IGNORE_INDEX] ?? 0) || most < minimumPixels ? IGNORE_INDEX : best;
}

/**
 * Marks the cells of some classes.
 *
 * @param labels Any number of class ids.
 * @returns 1 for labels among `classIds`, else 0.
 */
export function maskOfClasses(
  labels: Uint8Array,
  classIds: readonly number[],
): Float32Array<ArrayBuffer> {
  const wanted = new Set(classIds);
  return Float32Array.from(labels, (label) => wanted.has(label) ? 1 : 0);
}
