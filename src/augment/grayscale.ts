/**
 * Grayscale: the colors of some images become their luma,
 *
 *   R, G, B ← 0.299·R + 0.587·G + 0.114·B
 *
 * Source: ITU-R BT.601, as in torchvision's `RandomGrayscale`.
 *
 * @module
 */
import {
  hostValue,
  mapHostInput,
  type MaybeHostInput,
  uploadHostInput,
} from "../core/host_input.ts";
import type { Normalization } from "../core/host_batch.ts";
import * as tf from "../core/tf.ts";
import { assertOnePerImage, mapColors } from "./color_jitter.ts";

const LUMA_WEIGHTS = [0.299, 0.587, 0.114] as const;

/**
 * Makes some images gray, in their first three channels. Images of fewer channels have no
 * colors and stay as they are.
 *
 * @param images Normalized. [B, H, W, C]
 * @param isGray One per image.
 * @param normalization How those three were normalized.
 * @returns Normalized; the caller owns it. [B, H, W, C]
 * @throws {RangeError} If there are not as many of `isGray` as images.
 */
export function applyGrayscale(
  images: tf.Tensor4D,
  isGray: MaybeHostInput<readonly boolean[]>,
  { mean, std }: Normalization,
): tf.Tensor4D {
  const [B] = images.shape;
  assertOnePerImage("gray", "isGray", hostValue(isGray), B);
  const marks = mapHostInput(isGray, (isGray) => Float32Array.from(isGray, Number));
  return mapColors(images, (rgb) => {
    const share = uploadHostInput<tf.Rank.R4>(marks, [B, 1, 1, 1]);
    const weights = LUMA_WEIGHTS.map((weight, i) => weight * (std[i] ?? 1));
    const meanLuma = LUMA_WEIGHTS.reduce<number>(
      (sum, weight, i) => sum + weight * (mean[i] ?? 0),
      0,
    );
    const luma = tf.add(
      tf.sum(tf.mul(rgb, tf.tensor1d(weights)), 3, true),
      meanLuma,
    ); // [B, H, W, 1]
    const gray = tf.div(tf.sub(luma, tf.tensor1d([...mean])), tf.tensor1d([...std]));
    return tf.add(rgb, tf.mul(share, tf.sub(gray, rgb)));
  });
}
