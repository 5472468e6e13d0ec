/** Gaussian blur of whole images, each with its own width. @module */
import { derive, type OrDecided, upload, valueOf } from "../core/decided.ts";
import type { Random } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import { separableBlur } from "../ops/gaussian_blur.ts";

const SMALLEST_SIGMA = 0.15;
const LARGEST_SIGMA = 1.15;
// Beyond this many σ a weight is below 1e-11 of the middle one: nothing in float32.
const REACH = 7;

/**
 * Draws the σ of one sample, in pixels, uniformly in 0.15 … 1.15.
 *
 * Source: DACS, as all of this file: https://arxiv.org/abs/2007.08702.
 */
export function drawSigma(random: Random): number {
  return SMALLEST_SIGMA + (LARGEST_SIGMA - SMALLEST_SIGMA) * random.uniform();
}

/**
 * The length of the filter for a side of an image: a tenth of it, rounded up, and made
 * odd downwards.
 *
 * @param side In pixels.
 */
export function blurKernelSize(side: number): number {
  // The product, not side / 10: it may round above a whole number, as in the source.
  const tenth = Math.ceil(0.1 * side);
  return tenth % 2 === 0 ? tenth - 1 : tenth;
}

/**
 * Blurs images with normalised Gaussians cut off at the kernel's size.
 *
 * @param images [B, H, W, C]
 * @param sigmas One per sample, in pixels, or null to change nothing.
 * @param size Lengths of the filter along height and width, odd; by default those of
 * {@linkcode blurKernelSize}.
 * @returns Like the images; the caller owns it.
 * @throws {RangeError} If there are not as many sigmas as samples.
 */
export function gaussianBlur(
  images: tf.Tensor4D,
  sigmas: OrDecided<readonly number[] | null>,
  size?: readonly [number, number],
): tf.Tensor4D {
  const [B, H, W] = images.shape;
  const given = valueOf(sigmas)?.length ?? B;
  if (given !== B) {
    throw new RangeError(
      `Cannot blur ${B} images: "sigmas" must have one entry each, but has ${given}`,
    );
  }
  const [rows, columns] = size ?? [blurKernelSize(H), blurKernelSize(W)];
  const widths = derive(sigmas, (sigmas) => sigmas ?? Array<number>(B).fill(0));
  const rowWeights = gaussians(widths, rows);
  const columnWeights = gaussians(widths, columns);
  const result = separableBlur(images, rowWeights, columnWeights);
  tf.dispose([rowWeights, columnWeights]);
  return result;
}

// One normalised filter per σ; σ = 0 is a single 1. [B, taps]
function gaussians(sigmas: OrDecided<readonly number[]>, size: number): tf.Tensor2D {
  const given = valueOf(sigmas);
  const widest = Math.max(...given, LARGEST_SIGMA);
  const radius = Math.min((size - 1) / 2, Math.ceil(REACH * widest));
  const taps = 2 * radius + 1;
  const cells = derive(sigmas, (sigmas) =>
    Float32Array.from(sigmas.flatMap((sigma) => {
      const weights = Array.from({ length: taps }, (_, k) => {
        if (k === radius) return 1;
        return sigma === 0 ? 0 : Math.exp(-((k - radius) ** 2) / (2 * sigma ** 2));
      });
      const sum = weights.reduce((all, weight) => all + weight, 0);
      return weights.map((weight) => weight / sum);
    })));
  return upload<tf.Rank.R2>(cells, [given.length, taps]);
}
