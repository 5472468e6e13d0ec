/** Gaussian blur of images, each with a standard deviation of its own. @module */
import {
  hostValue,
  mapHostInput,
  type MaybeHostInput,
  uploadHostInput,
} from "../core/host_input.ts";
import type { Random } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import { assertOnePerImage } from "./color_jitter.ts";
import { separableBlur } from "../ops/separable_blur/separable_blur.ts";

/** The range of σ in pixels of DACS, as all of this file: https://arxiv.org/abs/2007.08702. */
const DACS_SIGMAS = [0.15, 1.15] as const;
// Beyond this many σ a weight is below 1e-11 of the middle one, which is 0 in float32.
const CUTOFF_SIGMAS = 7;

/** Draws the σ of one sample, in pixels, uniformly in a range. */
export function drawSigma(
  random: Random,
  [low, high]: readonly [number, number] = DACS_SIGMAS,
): number {
  return low + (high - low) * random.uniform();
}

/**
 * The length of the filter for a side of an image: a tenth of it, rounded up, and made
 * odd downwards.
 *
 * @param side In pixels.
 */
export function blurKernelSize(side: number): number {
  // 0.1 · side may round above a whole number where side / 10 does not: as in the source.
  const tenth = Math.ceil(0.1 * side);
  return tenth % 2 === 0 ? tenth - 1 : tenth;
}

/** How far blur reaches. */
export interface BlurOptions {
  /**
   * Lengths of the filter along height and width, odd.
   * @default {those of `blurKernelSize`}
   */
  readonly size?: readonly [number, number];
  /** The largest σ that is ever drawn, in pixels. @default {that of DACS, 1.15} */
  readonly maxSigma?: number;
}

/**
 * Blurs images with normalized Gaussians cut off at the kernel's size.
 *
 * @param images [B, H, W, C]
 * @param sigmas One per sample, in pixels, or null to change nothing.
 * @returns Like the images; the caller owns it.
 * @throws {RangeError} If there are not as many sigmas as samples.
 */
export function gaussianBlur(
  images: tf.Tensor4D,
  sigmas: MaybeHostInput<readonly number[] | null>,
  { size, maxSigma = DACS_SIGMAS[1] }: BlurOptions = {},
): tf.Tensor4D {
  const [B, H, W] = images.shape;
  assertOnePerImage("blur", "sigmas", hostValue(sigmas), B);
  const [rows, columns] = size ?? [blurKernelSize(H), blurKernelSize(W)];
  const sigmasOrZero = mapHostInput(
    sigmas,
    (sigmas) => sigmas ?? Array<number>(B).fill(0),
  );
  const rowWeights = gaussianKernels(sigmasOrZero, rows, maxSigma);
  const columnWeights = gaussianKernels(sigmasOrZero, columns, maxSigma);
  const result = separableBlur(images, rowWeights, columnWeights);
  tf.dispose([rowWeights, columnWeights]);
  return result;
}

// One normalized filter per σ; σ = 0 is a single 1. [B, 2·radius + 1]
function gaussianKernels(
  sigmas: MaybeHostInput<readonly number[]>,
  size: number,
  maxSigma: number,
): tf.Tensor2D {
  const currentSigmas = hostValue(sigmas);
  const largestSigma = Math.max(...currentSigmas, maxSigma);
  const radius = Math.min((size - 1) / 2, Math.ceil(CUTOFF_SIGMAS * largestSigma));
  const length = 2 * radius + 1;
  const kernelOf = (sigma: number): number[] => {
    const weights = Array.from({ length }, (_, k) => {
      if (k === radius) return 1;
      return sigma === 0 ? 0 : Math.exp(-((k - radius) ** 2) / (2 * sigma ** 2));
    });
    const sum = weights.reduce((all, weight) => all + weight, 0);
    return weights.map((weight) => weight / sum);
  };
  const kernels = mapHostInput(
    sigmas,
    (sigmas) => Float32Array.from(sigmas.flatMap(kernelOf)),
  );
  return uploadHostInput<tf.Rank.R2>(kernels, [currentSigmas.length, length]);
}
