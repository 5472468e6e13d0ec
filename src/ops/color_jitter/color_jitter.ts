import type { Normalization } from "../../core/host_batch.ts";
import type * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import { elementItems } from "../wasm_items.ts";
import shader from "./color_jitter.wgsl" with { type: "text" };
import { COLOR_UNIFORMS, colorJitterReference } from "./reference.ts";

const COLOR_JITTER = defineKernel({
  name: "colorJitter",
  uniforms: COLOR_UNIFORMS,
  inputs: { x: "f32", settings: "f32" },
  outputs: { y: "f32" },
  shader,
  wasm(engine, { x, settings, y }, { pixels, ...normalization }) {
    const { meanRed, meanGreen, meanBlue, stdRed, stdGreen, stdBlue } = normalization;
    const count = x.length / 3;
    const args = [x.address, settings.address, pixels]
      .concat(meanRed, meanGreen, meanBlue, stdRed, stdGreen, stdBlue)
      .concat(y.address, count);
    engine.run("colorJitter", args, elementItems(count));
  },
  reference: colorJitterReference,
});

/**
 * Changes brightness, contrast, saturation and hue of normalized images. No gradient.
 *
 * Per sample the four steps run in its own order; see `augment/color_jitter.ts` for what
 * they do.
 *
 * @param images Normalized RGB. [B, H, W, 3]
 * @param settings Four factors, then the numbers 0 … 3 of the steps in their order, 4 for
 * none. [B, 8]
 * @returns Normalized RGB, like the images; the caller owns it.
 */
export function colorJitter(
  images: tf.Tensor4D,
  settings: tf.Tensor2D,
  { mean, std }: Normalization,
): tf.Tensor4D {
  const [B, H, W] = images.shape;
  const [meanRed = 0, meanGreen = 0, meanBlue = 0] = mean;
  const [stdRed = 1, stdGreen = 1, stdBlue = 1] = std;
  const normalization = { meanRed, meanGreen, meanBlue, stdRed, stdGreen, stdBlue };
  return launch(COLOR_JITTER, {
    uniforms: { pixels: H * W, ...normalization },
    inputs: { x: images, settings },
    outputs: { y: images.shape },
    invocations: B * H * W,
  }).y as tf.Tensor4D;
}
