/**
 * The strong augmentation of self-training: mix source into target, then jitter, then blur.
 *
 * Source: DACS, Tranheden et al. (WACV 2021), https://arxiv.org/abs/2007.08702, as in the
 * published code of FST.
 *
 * @module
 */
import { derive, type OrDecided } from "../core/decided.ts";
import type { Normalisation } from "../core/host_batch.ts";
import type { Random } from "../core/random.ts";
import * as tf from "../core/tf.ts";
import { type MixedTensors, pasteSource } from "../ops/class_mix.ts";
import { chooseClasses, type ClassScope, mixMask } from "./class_mix.ts";
import { drawJitter, jitterColors, type JitterFactors } from "./color_jitter.ts";
import { drawSigma, gaussianBlur } from "./gaussian_blur.ts";

export type { MixedTensors } from "../ops/class_mix.ts";

/** How strong the augmentation is. */
export interface StrongOptions {
  /** Largest change of brightness, contrast, saturation and hue. */
  readonly jitterStrength: number;
  /** Of one loss evaluation: the whole batch or none. */
  readonly jitterProbability: number;
  /** Of one loss evaluation: the whole batch or none. */
  readonly blurProbability: number;
  /** Whose classes a sample chooses from. */
  readonly classes: ClassScope;
}

/** All chance of one loss evaluation, drawn beforehand. */
export interface StrongAugmentation {
  /** Labels whose source pixels are pasted, per sample. */
  readonly classes: readonly (readonly number[])[];
  /** Per sample, or null for no jitter in this evaluation. */
  readonly jitter: readonly JitterFactors[] | null;
  /** σ per sample in pixels, or null for no blur in this evaluation. */
  readonly sigmas: readonly number[] | null;
}

/**
 * Draws everything that is random in one loss evaluation.
 *
 * @param labels Source labels. [B, H, W]
 * @param batch B
 */
export function drawStrong(
  labels: Uint8Array,
  batch: number,
  options: StrongOptions,
  random: Random,
): StrongAugmentation {
  const jittered = random.uniform() < options.jitterProbability;
  const blurred = random.uniform() < options.blurProbability;
  const each = <T>(draw: () => T) => Array.from({ length: batch }, draw);
  return {
    classes: chooseClasses(labels, batch, options.classes, random),
    jitter: jittered ? each(() => drawJitter(options.jitterStrength, random)) : null,
    sigmas: blurred ? each(() => drawSigma(random)) : null,
  };
}

/** What is mixed: labelled source images into pseudo-labelled target images. */
export interface StrongInput {
  /** Normalised images and int32 labels. */
  readonly source: Omit<MixedTensors, "weights">;
  /** Normalised images, int32 pseudo-labels and the weights of their pixels. */
  readonly target: MixedTensors;
}

/**
 * Applies a drawn augmentation: mix, then jitter, then blur.
 *
 * Labels and weights are only mixed; source pixels get weight 1. Jitter and blur that were
 * not drawn run with values that change nothing: what is drawn never changes which kernels
 * run.
 *
 * @param mask int32, to be used instead of the drawn classes. [B, H, W]
 * @returns Three tensors; the caller owns them.
 */
export function applyStrong(
  { source, target }: StrongInput,
  drawn: OrDecided<StrongAugmentation>,
  normalisation: Normalisation,
  mask?: tf.Tensor,
): MixedTensors {
  return tf.tidy(() => {
    const chosen = mask ??
      mixMask(source.labels, derive(drawn, (drawn) => drawn.classes));
    const mixed = pasteSource(chosen, source, target);
    const jittered = jitterColors(
      mixed.images as tf.Tensor4D,
      derive(drawn, ({ jitter }) => jitter),
      normalisation,
    );
    const images = gaussianBlur(jittered, derive(drawn, ({ sigmas }) => sigmas));
    return { ...mixed, images };
  });
}
