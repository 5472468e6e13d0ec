/**
 * The strong perturbations of UniMatch, of images and of features. A strong view has color
 * jitter, no color, blur, and a box of another image of the batch, each for some of the
 * images.
 *
 * Source: UniMatch, Yang et al. (CVPR 2023), https://arxiv.org/abs/2208.09910, and UniMatch
 * V2, Yang et al. (2024), https://arxiv.org/abs/2410.10777. Here jitter and blur are
 * computed as in DACS; the box comes from the same batch, as in UniMatch V2.
 *
 * @module
 */
import { sliceBatch } from "../core/batch.ts";
import { mapHostInput, type MaybeHostInput } from "../core/host_input.ts";
import { drawEach, type Normalization } from "../core/host_batch.ts";
import { hashStreamName, type Random } from "../core/random.ts";
import type { RngKey } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { dropout } from "../ops/dropout/dropout.ts";
import {
  applyColorJitter,
  drawColorJitter,
  type JitterFactors,
  NO_JITTER,
} from "./color_jitter.ts";
import { drawSigma, gaussianBlur } from "./gaussian_blur.ts";
import { applyGrayscale } from "./grayscale.ts";
import {
  type BatchSize,
  type Box,
  boxMask,
  drawSmallBox,
  type LabeledImages,
  pasteWhereMasked,
  reverseBatch,
  rollBatch,
} from "./perturbation.ts";

/** How strong a view is. */
export interface StrongViewOptions {
  /** Largest change of brightness, contrast and saturation; half of it for hue. */
  readonly colorJitterStrength: number;
  /** Of an image. */
  readonly colorJitterProbability: number;
  /** Of an image; at 0 nothing is computed for it. */
  readonly grayscaleProbability: number;
  /** Of an image. */
  readonly blurProbability: number;
  /** The range of σ, in pixels. */
  readonly blurSigma: readonly [number, number];
  /** Of an image. */
  readonly cutmixProbability: number;
  /**
   * Which image the box of image i of B is from: i + 1 mod B, or B − 1 − i, so that the
   * batch is reversed.
   */
  readonly cutmixPartner: "next" | "reverse";
}

/** The random draws of one view, per image. */
export interface DrawnStrongView {
  readonly jitter: readonly JitterFactors[];
  /** σ in pixels; 0 changes nothing. */
  readonly sigmas: readonly number[];
  /** Null for no box. */
  readonly boxes: readonly (Box | null)[];
  readonly isGray: readonly boolean[];
}

/** Makes the random draws of one view. */
export function drawStrongView(
  options: StrongViewOptions,
  size: BatchSize,
  random: Random,
): DrawnStrongView {
  const drawApplied = (probability: number) => random.uniform() < probability;
  const each = <T>(draw: () => T) => drawEach(size, draw);
  return {
    jitter: each(() => {
      if (!drawApplied(options.colorJitterProbability)) return NO_JITTER;
      const factors = drawColorJitter(options.colorJitterStrength, random);
      return { ...factors, hue: factors.hue / 2 };
    }),
    sigmas: each(() =>
      drawApplied(options.blurProbability) ? drawSigma(random, options.blurSigma) : 0
    ),
    boxes: each(() =>
      drawApplied(options.cutmixProbability) ? drawSmallBox(size, random) : null
    ),
    isGray: each(() => drawApplied(options.grayscaleProbability)),
  };
}

/**
 * Applies a view.
 *
 * @returns Two tensors; the caller owns them.
 */
export function applyStrongView(
  { images, labels }: LabeledImages,
  drawn: MaybeHostInput<DrawnStrongView>,
  normalization: Normalization,
  { grayscaleProbability, blurSigma, cutmixPartner }: Pick<
    StrongViewOptions,
    "grayscaleProbability" | "blurSigma" | "cutmixPartner"
  >,
): LabeledImages {
  const [B, height, width] = images.shape;
  return tf.tidy(() => {
    const jittered = applyColorJitter(
      images,
      mapHostInput(drawn, ({ jitter }) => jitter),
      normalization,
    );
    const isGray = mapHostInput(drawn, ({ isGray }) => isGray);
    const colored = grayscaleProbability === 0
      ? jittered
      : applyGrayscale(jittered, isGray, normalization);
    const sigmas = mapHostInput(drawn, ({ sigmas }) => sigmas);
    const blurred = gaussianBlur(colored, sigmas, { maxSigma: blurSigma[1] });
    const view = { images: blurred, labels };
    const boxes = mapHostInput(drawn, ({ boxes }) => boxes);
    const inside = boxMask(boxes, B, { height, width });
    const partners = cutmixPartner === "next" ? rollBatch(view) : reverseBatch(view);
    return { ...pasteWhereMasked(inside, partners, view) };
  });
}

/**
 * Drops whole channels of the feature maps of some samples and scales the others up.
 *
 * @param maps Of samples that stay unchanged, then of those that do not. [B, h, w, C]
 * @param keptSamples How many stay unchanged, 1 … B − 1.
 * @param rate Share of channels that are dropped.
 * @param key Of the random draws; every map has its own. Its offset is the index in their
 * batch of those that do not.
 * @returns Like the maps; the caller owns them.
 */
export function featureDropout(
  maps: readonly tf.Tensor4D[],
  keptSamples: number,
  rate: number,
  key: Pick<RngKey, "seed" | "iteration" | "sampleOffset">,
): tf.Tensor4D[] {
  return maps.map((map, i) =>
    tf.tidy(() => {
      const kept = sliceBatch(map, 0, keptSamples);
      const rest = sliceBatch(map, keptSamples, map.shape[0] - keptSamples);
      const stream = hashStreamName(`dropout/features/${i}`);
      return tf.concat([kept, dropout(rest, rate, "channel", { ...key, stream })], 0);
    })
  );
}
