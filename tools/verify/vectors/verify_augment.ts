/** Golden files of image augmentations with given settings. @module */
import { gaussianBlur } from "../../../src/augment/gaussian_blur.ts";
import { applyColorJitter } from "../../../src/augment/color_jitter.ts";
import type { Normalization } from "../../../src/core/host_batch.ts";
import * as tf from "../../../src/core/tf.ts";
import * as z from "../../../src/core/zod.ts";
import type { CheckResult } from "../../../src/doctor/check.ts";
import { channelsFirst, channelsLastTensor, type Golden } from "../golden_file.ts";
import { compareTensor, failedCheck } from "./compare.ts";
import { sidecarValue, valuesOf } from "./vector_file.ts";

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

const BLUR_TOLERANCE = { absolute: 1e-5 };
const JITTER_TOLERANCE = { absolute: 1e-4 };
// Images of the file are in 0 … 1 already.
const IDENTITY_NORMALIZATION: Normalization = {
  mean: [0, 0, 0],
  std: [255, 255, 255],
};

/** Verifies every jitter and every blur of the file. */
export async function verifyAugment(golden: Golden): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const [i, setting] of sidecarValue(golden, "jitter", Jitter).entries()) {
    const factorOf = (list: readonly number[], sample: number) => list[sample] ?? NaN;
    const jittered = augmentStored(golden, "input/rgb01", (images) =>
      applyColorJitter(
        images,
        setting.brightness_factor.map((brightness, sample) => ({
          brightness,
          contrast: factorOf(setting.contrast_factor, sample),
          saturation: factorOf(setting.saturation_factor, sample),
          hue: factorOf(setting.hue_factor, sample),
          order: setting.order,
        })),
        IDENTITY_NORMALIZATION,
      ));
    const path = `output/jitter${i}`;
    results.push(
      await compareTensor(path, jittered, valuesOf(golden, path), JITTER_TOLERANCE),
    );
  }
  for (
    const [i, { kernel, sigma, border }] of sidecarValue(golden, "blur", Blur).entries()
  ) {
    const path = `output/blur${i}`;
    if (border !== "reflect") {
      results.push(
        failedCheck(path, `the border "${border}" is unknown`),
      );
      continue;
    }
    const blurred = augmentStored(
      golden,
      `input/blur${i}`,
      (images) =>
        gaussianBlur(images, Array(images.shape[0]).fill(sigma), { size: kernel }),
    );
    results.push(
      await compareTensor(path, blurred, valuesOf(golden, path), BLUR_TOLERANCE),
    );
  }
  return results;
}

function augmentStored(
  golden: Golden,
  path: string,
  augment: (images: tf.Tensor4D) => tf.Tensor4D,
): tf.Tensor {
  return tf.tidy(() => channelsFirst(augment(channelsLastTensor(golden, path))));
}
