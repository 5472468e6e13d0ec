/**
 * A strong view of images with pseudo-labels: colour jitter, blur, and a box of the next
 * image of the batch, each for some of the images.
 *
 * Source: UniMatch, Yang et al. (CVPR 2023), https://arxiv.org/abs/2208.09910. Here jitter
 * and blur are those of DACS, and no image becomes grey; the box comes from the same batch.
 *
 * @module
 */
import { derive, type OrDecided } from "../core/decided.ts";
import type { Normalisation } from "../core/host_batch.ts";
import type { Random } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import { type Box, boxMask, drawSmallBox } from "./box.ts";
import {
  drawJitter,
  jitterColors,
  type JitterFactors,
  NO_JITTER,
} from "./color_jitter.ts";
import { drawSigma, gaussianBlur } from "./gaussian_blur.ts";
import { type LabelledImages, neighbours, paste } from "./perturb.ts";

/** How strong a view is. */
export interface StrongViewOptions {
  /** Largest change of brightness, contrast and saturation; half of it for hue. */
  readonly jitterStrength: number;
  /** Of an image. */
  readonly jitterProbability: number;
  /** Of an image. */
  readonly blurProbability: number;
  /** Of an image. */
  readonly cutmixProbability: number;
}

/** All chance of one view, drawn beforehand, per image. */
export interface DrawnView {
  readonly jitter: readonly JitterFactors[];
  /** σ in pixels; 0 changes nothing. */
  readonly sigmas: readonly number[];
  /** Null for no box. */
  readonly boxes: readonly (Box | null)[];
}

/** Draws everything that is random in one view. */
export function drawView(
  options: StrongViewOptions,
  { batch, height, width }: {
    readonly batch: number;
    readonly height: number;
    readonly width: number;
  },
  random: Random,
): DrawnView {
  const happens = (probability: number) => random.uniform() < probability;
  const each = <T>(draw: () => T) => Array.from({ length: batch }, draw);
  return {
    jitter: each(() => {
      if (!happens(options.jitterProbability)) return NO_JITTER;
      const factors = drawJitter(options.jitterStrength, random);
      return { ...factors, hue: factors.hue / 2 };
    }),
    sigmas: each(() => happens(options.blurProbability) ? drawSigma(random) : 0),
    boxes: each(() =>
      happens(options.cutmixProbability) ? drawSmallBox({ height, width }, random) : null
    ),
  };
}

/**
 * Applies a drawn view.
 *
 * @returns Two tensors; the caller owns them.
 */
export function strongView(
  { images, labels }: LabelledImages,
  drawn: OrDecided<DrawnView>,
  normalisation: Normalisation,
): LabelledImages {
  const [B, height, width] = images.shape;
  return tf.tidy(() => {
    const jittered = jitterColors(
      images,
      derive(drawn, ({ jitter }) => jitter),
      normalisation,
    );
    const blurred = gaussianBlur(jittered, derive(drawn, ({ sigmas }) => sigmas));
    const own = { images: blurred, labels };
    const inside = boxMask(derive(drawn, ({ boxes }) => boxes), B, { height, width });
    return { ...paste(inside, neighbours(own), own) };
  });
}
