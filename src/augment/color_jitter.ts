/**
 * Colour jitter: brightness, contrast, saturation and hue of each sample, each by its own
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
import type { Normalisation } from "../core/host_batch.ts";
import type { Random } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import { colorJitter } from "../ops/color_jitter.ts";

/** What happens to the colours of one sample. */
export interface JitterFactors {
  /** 1 changes nothing. */
  readonly brightness: number;
  /** 1 changes nothing. */
  readonly contrast: number;
  /** 1 changes nothing. */
  readonly saturation: number;
  /** In turns of the colour circle; 0 changes nothing. */
  readonly hue: number;
  /** The four steps in order: 0 brightness, 1 contrast, 2 saturation, 3 hue. */
  readonly order: readonly number[];
}

const STEPS = 4;

/**
 * Draws the factors of one sample, uniformly.
 *
 * @param strength s in 0 … 1: factors in [1 − s, 1 + s], hue in [−s, s].
 */
export function drawJitter(strength: number, random: Random): JitterFactors {
  const change = () => strength * (2 * random.uniform() - 1);
  return {
    brightness: 1 + change(),
    contrast: 1 + change(),
    saturation: 1 + change(),
    hue: change(),
    order: random.sample(STEPS, STEPS),
  };
}

/**
 * Applies colour jitter to normalised images.
 *
 * @param images Normalised RGB. [B, H, W, 3]
 * @param factors One per sample.
 * @param normalisation How the images were normalised.
 * @returns Normalised RGB; the caller owns it. [B, H, W, 3]
 * @throws {RangeError} If there are not as many factors as samples.
 */
export function jitterColors(
  images: tf.Tensor4D,
  factors: readonly JitterFactors[],
  normalisation: Normalisation,
): tf.Tensor4D {
  const [B] = images.shape;
  if (factors.length !== B) {
    throw new RangeError(
      `Cannot jitter ${B} images: "factors" must have one entry each, but has ` +
        `${factors.length}`,
    );
  }
  const cells = factors.flatMap(({ brightness, contrast, saturation, hue, order }) => [
    ...[brightness, contrast, saturation, hue],
    ...order,
  ]);
  const settings = tf.tensor2d(cells, [B, 2 * STEPS]);
  const result = colorJitter(images, settings, normalisation);
  settings.dispose();
  return result;
}
