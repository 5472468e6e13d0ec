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
import { derive, type OrDecided, upload, valueOf } from "../core/decided.ts";
import type { Normalisation } from "../core/host_batch.ts";
import type { Random } from "../core/random.ts";
import type * as tf from "../core/tf.ts";
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

/** Leaves a sample as it is, bit for bit. */
export const NO_JITTER: JitterFactors = {
  ...{ brightness: 1, contrast: 1, saturation: 1, hue: 0 },
  order: Array<number>(STEPS).fill(STEPS),
};

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
 * @param factors One per sample, or null to change nothing.
 * @param normalisation How the images were normalised.
 * @returns Normalised RGB; the caller owns it. [B, H, W, 3]
 * @throws {RangeError} If there are not as many factors as samples.
 */
export function jitterColors(
  images: tf.Tensor4D,
  factors: OrDecided<readonly JitterFactors[] | null>,
  normalisation: Normalisation,
): tf.Tensor4D {
  const [B] = images.shape;
  const given = valueOf(factors)?.length ?? B;
  if (given !== B) {
    throw new RangeError(
      `Cannot jitter ${B} images: "factors" must have one entry each, but has ${given}`,
    );
  }
  const settings = upload<tf.Rank.R2>(
    derive(factors, (factors) => cellsOf(factors ?? Array(B).fill(NO_JITTER))),
    [B, 2 * STEPS],
  );
  const result = colorJitter(images, settings, normalisation);
  settings.dispose();
  return result;
}

function cellsOf(factors: readonly JitterFactors[]): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    factors.flatMap(({ brightness, contrast, saturation, hue, order }) => [
      ...[brightness, contrast, saturation, hue],
      ...order,
    ]),
  );
}
