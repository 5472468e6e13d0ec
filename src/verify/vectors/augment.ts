/** Golden files of image augmentations with given settings. @module */
import { gaussianBlur } from "../../augment/gaussian_blur.ts";
import { jitterColors } from "../../augment/color_jitter.ts";
import type { Normalisation } from "../../core/host_batch.ts";
import * as tf from "../../core/tf.ts";
import { z } from "../../core/zod.ts";
import type { CheckResult } from "../check.ts";
import type { Golden } from "../golden_file.ts";
import { compareTensor, unknown } from "./compare.ts";
import {
  CHANNELS_LAST,
  inverse,
  orderedTensor,
  partOf,
  valuesOf,
} from "./vector_file.ts";

const factors = z.array(z.number());
const Jitter = z.array(z.object({
  order: z.array(z.int().min(0).max(3)).length(4),
  brightness_factor: factors,
  contrast_factor: factors,
  saturation_factor: factors,
  hue_factor: factors,
})).default([]);
const Blur = z.array(z.object({
  kernel: z.tuple([z.int(), z.int()]),
  sigma: z.number(),
  border: z.string(),
})).default([]);

const ABSOLUTE = { absolute: 1e-5 };
const HUE = { absolute: 1e-4 };
// Images of the file are in 0 … 1 already.
const PLAIN: Normalisation = { mean: [0, 0, 0], deviation: [255, 255, 255] };

/** Verifies every jitter and every blur of the file. */
export async function verifyAugment(golden: Golden): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const [i, setting] of partOf(golden, "jitter", Jitter).entries()) {
    const one = (list: readonly number[], sample: number) => list[sample] ?? NaN;
    const jittered = onImages(golden, "input/rgb01", (images) =>
      jitterColors(
        images,
        setting.brightness_factor.map((brightness, sample) => ({
          brightness,
          contrast: one(setting.contrast_factor, sample),
          saturation: one(setting.saturation_factor, sample),
          hue: one(setting.hue_factor, sample),
          order: setting.order,
        })),
        PLAIN,
      ));
    const path = `output/jitter${i}`;
    results.push(await compareTensor(path, jittered, valuesOf(golden, path), HUE));
  }
  for (const [i, { kernel, sigma, border }] of partOf(golden, "blur", Blur).entries()) {
    const path = `output/blur${i}`;
    if (border !== "reflect") {
      results.push(
        unknown(path, `the border "${border}" is unknown`),
      );
      continue;
    }
    const blurred = onImages(
      golden,
      `input/blur${i}`,
      (images) => gaussianBlur(images, Array(images.shape[0]).fill(sigma), kernel),
    );
    results.push(await compareTensor(path, blurred, valuesOf(golden, path), ABSOLUTE));
  }
  return results;
}

function onImages(
  golden: Golden,
  path: string,
  augment: (images: tf.Tensor4D) => tf.Tensor4D,
): tf.Tensor {
  return tf.tidy(() => {
    const images = orderedTensor(golden, path, CHANNELS_LAST) as tf.Tensor4D;
    return tf.transpose(augment(images), inverse(CHANNELS_LAST));
  });
}
