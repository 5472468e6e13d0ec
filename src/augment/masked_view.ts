/**
 * Masked views: images with other colors, in which random square patches are 0, the mean
 * of the normalization; or of which an encoder's mask token replaces random tokens.
 *
 * Source: MIC, Hoyer et al. (CVPR 2023), https://arxiv.org/abs/2212.01322: colors first,
 * then the mask. Blur has a σ per image here, as in the mix of self-training, where the
 * source draws one for the batch. Tokens: VFM-UDA, Englert et al. (CVPR workshops 2024),
 * https://arxiv.org/abs/2406.09896.
 *
 * @module
 */
import {
  mapHostInput,
  type MaybeHostInput,
  uploadHostInput,
} from "../core/host_input.ts";
import { type BatchCount, drawEach, type Normalization } from "../core/host_batch.ts";
import type { RngKey } from "../core/network.ts";
import type { Random } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import { dropout } from "../ops/dropout/dropout.ts";
import { resizeNearest } from "../ops/resize/resize.ts";
import { applyColorJitter, drawColorJitter, type JitterFactors } from "./color_jitter.ts";
import { drawSigma, gaussianBlur } from "./gaussian_blur.ts";
import type { BatchSize } from "./perturbation.ts";

/** How colors change. */
export interface RecolorOptions {
  /** Largest change of brightness, contrast, saturation and hue. */
  readonly colorJitterStrength: number;
  /** The probability that the batch is jittered. */
  readonly colorJitterProbability: number;
  /** The probability that the batch is blurred. */
  readonly blurProbability: number;
}

/** How much is masked, and how colors change. */
export interface MaskedViewOptions extends RecolorOptions {
  /** The side of a patch in pixels, or null for {@linkcode defaultBlockSize}. */
  readonly blockSize: number | null;
  /** The probability that a patch is masked. */
  readonly ratio: number;
}

/** The random draws of other colors for a batch. */
export interface DrawnRecolor {
  /** Per image, or null for no jitter. */
  readonly jitter: readonly JitterFactors[] | null;
  /** σ per image in pixels, or null for no blur. */
  readonly sigmas: readonly number[] | null;
}

/** The random draws of one masked view of a batch. */
export interface DrawnMaskedView extends DrawnRecolor {
  /** 1 for a patch that stays, 0 for a masked one. [B, rows, columns] */
  readonly keptPatches: Float32Array<ArrayBuffer>;
}

/** A sixteenth of the shorter side: 32 pixels of 512 and 64 of 1024, as published. */
export function defaultBlockSize(
  { height, width }: Pick<BatchSize, "height" | "width">,
): number {
  return Math.max(1, Math.round(Math.min(height, width) / 16));
}

/** Rows and columns of patches in an image. */
export function patchGrid(
  { height, width }: Pick<BatchSize, "height" | "width">,
  blockSize: number | null,
): readonly [rows: number, columns: number] {
  const side = blockSize ?? defaultBlockSize({ height, width });
  return [patchCount(height / side), patchCount(width / side)];
}

// Halves go to the even number, as in the source.
function patchCount(quotient: number): number {
  const rounded = Math.round(quotient);
  const isOddHalf = rounded - quotient === 0.5 && rounded % 2 === 1;
  return Math.max(1, isOddHalf ? rounded - 1 : rounded);
}

/** Makes the random draws of other colors. */
export function drawRecolor(
  options: RecolorOptions,
  count: BatchCount,
  random: Random,
): DrawnRecolor {
  const jittered = random.uniform() < options.colorJitterProbability;
  const blurred = random.uniform() < options.blurProbability;
  const each = <T>(draw: () => T) => drawEach(count, draw);
  return {
    jitter: jittered
      ? each(() => drawColorJitter(options.colorJitterStrength, random))
      : null,
    sigmas: blurred ? each(() => drawSigma(random)) : null,
  };
}

/** Makes the random draws of one masked view. */
export function drawMaskedView(
  options: MaskedViewOptions,
  size: BatchSize,
  random: Random,
): DrawnMaskedView {
  const [rows, columns] = patchGrid(size, options.blockSize);
  const drawPatch = () => random.uniform() >= options.ratio ? 1 : 0;
  return {
    ...drawRecolor(options, size, random),
    keptPatches: Float32Array.from(
      drawEach(size, () => Array.from({ length: rows * columns }, drawPatch)).flat(),
    ),
  };
}

/**
 * Draws which tokens are masked, on the device. [B, H, W, 1]; 1 for a masked token.
 *
 * @param ratio The probability that a token is masked, in [0, 1).
 * @param key Each image of a batch has draws of its own.
 * @returns The caller owns it.
 */
export function drawTokenMask(
  shape: [number, number, number, 1],
  ratio: number,
  key: RngKey,
): tf.Tensor4D {
  return tf.tidy(() => {
    const kept = dropout<tf.Tensor4D>(tf.ones(shape), ratio, "element", key);
    return tf.cast(tf.equal(kept, 0), "float32");
  });
}

/**
 * Changes the colors of images of any number of channels: jitter, then blur.
 *
 * Without jitter or blur, values are used that change nothing: the same kernels run
 * whatever is drawn.
 *
 * @param images Normalized. [B, H, W, C]
 * @param options `neverBlurs`: no batch of the run is blurred, so the kernel is left out.
 * @returns Like the images; the caller owns it.
 */
export function applyRecolor(
  images: tf.Tensor4D,
  drawn: MaybeHostInput<DrawnRecolor>,
  normalization: Normalization,
  options: { readonly neverBlurs?: boolean } = {},
): tf.Tensor4D {
  return tf.tidy(() => {
    const jittered = applyColorJitter(
      images,
      mapHostInput(drawn, ({ jitter }) => jitter),
      normalization,
    );
    return options.neverBlurs
      ? jittered
      : gaussianBlur(jittered, mapHostInput(drawn, ({ sigmas }) => sigmas));
  });
}

/**
 * Makes a masked view of images: other colors as in {@linkcode applyRecolor}, then the mask.
 *
 * @param images Normalized. [B, H, W, C]
 * @param grid Rows and columns of patches, see {@linkcode patchGrid}.
 * @returns Like the images; the caller owns it.
 */
export function applyMaskedView(
  images: tf.Tensor4D,
  drawn: MaybeHostInput<DrawnMaskedView>,
  [rows, columns]: readonly [rows: number, columns: number],
  normalization: Normalization,
  options: { readonly neverBlurs?: boolean } = {},
): tf.Tensor4D {
  const [B, H, W] = images.shape;
  return tf.tidy(() => {
    const recolored = applyRecolor(images, drawn, normalization, options);
    const kept = uploadHostInput<tf.Rank.R4>(
      mapHostInput(drawn, ({ keptPatches }) => keptPatches),
      [B, rows, columns, 1],
    );
    return tf.mul<tf.Tensor4D>(recolored, resizeNearest(kept, [H, W]));
  });
}
