/**
 * Color jitter: brightness, contrast, saturation and hue of each sample, each by its own
 * factor, in its own order.
 *
 *   brightness: v ← clamp(v + (factor − 1), 0, 1)     contrast: v ← clamp(v · factor, 0, 1)
 *   saturation: S ← clamp(S · factor, 0, 1)           hue:      H ← H + factor turns
 *
 * on RGB in 0 … 1, the last two in HSV. Brightness adds and contrast multiplies about 0.
 *
 * Source: kornia 0.5.8, as used by DACS, Tranheden et al. (WACV 2021),
 * https://arxiv.org/abs/2007.08702.
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
import type { Random } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import { colorJitter } from "../ops/color_jitter/color_jitter.ts";

/** The changes of the colors of one sample. */
export interface JitterFactors {
  /** 1 changes nothing. */
  readonly brightness: number;
  /** 1 changes nothing. */
  readonly contrast: number;
  /** 1 changes nothing. */
  readonly saturation: number;
  /** In turns of the color wheel; 0 changes nothing. */
  readonly hue: number;
  /** The four steps in order: 0 brightness, 1 contrast, 2 saturation, 3 hue. */
  readonly order: readonly number[];
}

const JITTER_STEPS = 4;

const RGB_CHANNELS = 3;

/** Leaves a sample unchanged, bit for bit. */
export const NO_JITTER: JitterFactors = {
  ...{ brightness: 1, contrast: 1, saturation: 1, hue: 0 },
  order: Array<number>(JITTER_STEPS).fill(JITTER_STEPS),
};

/**
 * Draws the factors of one sample, uniformly.
 *
 * @param strength s in 0 … 1: factors in [1 − s, 1 + s], hue in [−s, s].
 */
export function drawColorJitter(strength: number, random: Random): JitterFactors {
  const change = () => strength * (2 * random.uniform() - 1);
  return {
    brightness: 1 + change(),
    contrast: 1 + change(),
    saturation: 1 + change(),
    hue: change(),
    order: random.sample(JITTER_STEPS, JITTER_STEPS),
  };
}

/**
 * Applies color jitter to the first three channels of normalized images, which are taken
 * for red, green and blue. Images of fewer channels have no colors and stay as they are.
 *
 * @param images Normalized. [B, H, W, C]
 * @param factors One per sample, or null to change nothing.
 * @param normalization How those three were normalized, on the scale of 0 … 255.
 * @returns Normalized; the caller owns it. [B, H, W, C]
 * @throws {RangeError} If there are not as many factors as samples.
 */
export function applyColorJitter(
  images: tf.Tensor4D,
  factors: MaybeHostInput<readonly JitterFactors[] | null>,
  normalization: Normalization,
): tf.Tensor4D {
  const [B, , , C] = images.shape;
  assertOnePerImage("jitter", "factors", hostValue(factors), B);
  if (C < RGB_CHANNELS) return tf.clone(images);
  const settings = uploadHostInput<tf.Rank.R2>(
    mapHostInput(factors, (factors) => packFactors(factors ?? Array(B).fill(NO_JITTER))),
    [B, 2 * JITTER_STEPS],
  );
  const result = mapColors(images, (rgb) => colorJitter(rgb, settings, normalization));
  settings.dispose();
  return result;
}

/**
 * Changes the first three channels of images, which are taken for red, green and blue.
 * Images of fewer channels have no colors and stay as they are.
 *
 * @param images [B, H, W, C]
 * @returns The caller owns it. [B, H, W, C]
 */
export function mapColors(
  images: tf.Tensor4D,
  change: (rgb: tf.Tensor4D) => tf.Tensor4D,
): tf.Tensor4D {
  const [, , , C] = images.shape;
  if (C < RGB_CHANNELS) return tf.clone(images);
  return tf.tidy(() => {
    if (C === RGB_CHANNELS) return change(images);
    const rgb = tf.slice(images, [0, 0, 0, 0], [-1, -1, -1, RGB_CHANNELS]);
    const others = tf.slice(images, [0, 0, 0, RGB_CHANNELS], [-1, -1, -1, -1]);
    return tf.concat([change(rgb), others], 3);
  });
}

/** @throws {RangeError} If there are values, but not one per image. */
export function assertOnePerImage(
  verb: string,
  name: string,
  values: readonly unknown[] | null,
  images: number,
): void {
  if (values === null || values.length === images) return;
  throw new RangeError(
    `Cannot ${verb} ${images} images: "${name}" must have one entry each, but has ` +
      `${values.length}`,
  );
}

function packFactors(factors: readonly JitterFactors[]): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    factors.flatMap(({ brightness, contrast, saturation, hue, order }) => [
      ...[brightness, contrast, saturation, hue],
      ...order,
    ]),
  );
}
