import type { Normalisation } from "../core/host_batch.ts";
import type * as tf from "../core/tf.ts";
import * as kernel from "../kernels/color_jitter/mod.ts";

/**
 * Changes brightness, contrast, saturation and hue of normalised images. No gradient.
 *
 * Per sample the four steps run in its own order; see `augment/color_jitter.ts` for what
 * they do.
 *
 * @param images Normalised RGB. [B, H, W, 3]
 * @param settings Four factors, then the numbers 0 … 3 of the steps in their order, 4 for
 * none. [B, 8]
 * @returns Normalised RGB, like the images; the caller owns it.
 */
export function colorJitter(
  images: tf.Tensor4D,
  settings: tf.Tensor2D,
  { mean, deviation }: Normalisation,
): tf.Tensor4D {
  const [meanRed, meanGreen, meanBlue] = mean;
  const [deviationRed, deviationGreen, deviationBlue] = deviation;
  return kernel.colorJitter(images, settings, {
    meanRed,
    meanGreen,
    meanBlue,
    deviationRed,
    deviationGreen,
    deviationBlue,
  }) as tf.Tensor4D;
}
