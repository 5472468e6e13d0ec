/**
 * The strong augmentation of self-training: mix source into target, then jitter, then blur.
 *
 * Source: DACS, Tranheden et al. (WACV 2021), https://arxiv.org/abs/2007.08702, as in the
 * published code of FST.
 *
 * @module
 */
import { mapHostInput, type MaybeHostInput } from "../core/host_input.ts";
import { type BatchPart, drawEach, type Normalization } from "../core/host_batch.ts";
import type { Random } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import { type MixedBatch, pasteSource } from "../ops/class_mix/class_mix.ts";
import { chooseClasses, classMixMask, type ClassScope } from "./class_mix.ts";
import { applyColorJitter, drawColorJitter, type JitterFactors } from "./color_jitter.ts";
import { drawSigma, gaussianBlur } from "./gaussian_blur.ts";

export type { MixedBatch } from "../ops/class_mix/class_mix.ts";

/** How strong the augmentation is. */
export interface StrongAugmentationOptions {
  /** Largest change of brightness, contrast, saturation and hue. */
  readonly colorJitterStrength: number;
  /** The probability that the batch is jittered. */
  readonly colorJitterProbability: number;
  /** The probability that the batch is blurred. */
  readonly blurProbability: number;
  /** The classes that are candidates for a sample. */
  readonly classesFrom: ClassScope;
}

/** The random draws of one augmented batch. */
export interface DrawnStrongAugmentation {
  /** Labels whose source pixels are pasted, per sample. */
  readonly classes: readonly (readonly number[])[];
  /** Per sample, or null for no jitter. */
  readonly jitter: readonly JitterFactors[] | null;
  /** σ per sample in pixels, or null for no blur. */
  readonly sigmas: readonly number[] | null;
}

/**
 * Makes the random draws of one augmented batch.
 *
 * @param labels Source labels. [B, H, W]
 * @param batchSize B
 * @param part Of which batch these are a part.
 */
export function drawStrongAugmentation(
  labels: Uint8Array,
  batchSize: number,
  options: StrongAugmentationOptions,
  random: Random,
  part?: BatchPart,
): DrawnStrongAugmentation {
  const jittered = random.uniform() < options.colorJitterProbability;
  const blurred = random.uniform() < options.blurProbability;
  const each = <T>(draw: () => T) => drawEach({ batchSize, part }, draw);
  return {
    classes: chooseClasses(labels, batchSize, options.classesFrom, random, part),
    jitter: jittered
      ? each(() => drawColorJitter(options.colorJitterStrength, random))
      : null,
    sigmas: blurred ? each(() => drawSigma(random)) : null,
  };
}

/**
 * Augments a batch: mix, then jitter, then blur.
 *
 * Labels and weights are only mixed; source pixels get weight 1. Without jitter or blur,
 * values are used that change nothing: the same kernels run whatever is drawn.
 *
 * @param source Normalized images and int32 labels.
 * @param target Normalized images, int32 pseudo-labels and the weights of their pixels.
 * @param options `mask`: int32, used instead of the drawn classes, [B, H, W]; `neverBlurs`:
 * no batch of the run is blurred, so the kernel is left out.
 * @returns Three tensors; the caller owns them.
 */
export function applyStrongAugmentation(
  { source, target }: {
    readonly source: Omit<MixedBatch, "pixelWeights">;
    readonly target: MixedBatch;
  },
  drawn: MaybeHostInput<DrawnStrongAugmentation>,
  normalization: Normalization,
  options: { readonly mask?: tf.Tensor; readonly neverBlurs?: boolean } = {},
): MixedBatch {
  return tf.tidy(() => {
    const pasteMask = options.mask ??
      classMixMask(source.labels, mapHostInput(drawn, (drawn) => drawn.classes));
    const mixed = pasteSource(pasteMask, source, target);
    const jittered = applyColorJitter(
      mixed.images as tf.Tensor4D,
      mapHostInput(drawn, ({ jitter }) => jitter),
      normalization,
    );
    const images = options.neverBlurs
      ? jittered
      : gaussianBlur(jittered, mapHostInput(drawn, ({ sigmas }) => sigmas));
    return { ...mixed, images };
  });
}
