/** Brightness, contrast, saturation and hue of images, in a random order. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launchOne } from "../kernel.ts";
import shader from "./color_jitter.wgsl" with { type: "text" };
import { colorJitterReference, type ColorScale } from "./reference.ts";

export type { ColorScale } from "./reference.ts";

const COLOR_JITTER: Kernel<"count" | "pixels" | keyof ColorScale> = {
  name: "colorJitter",
  shader,
  uniforms: {
    count: "u32",
    pixels: "u32",
    meanRed: "f32",
    meanGreen: "f32",
    meanBlue: "f32",
    deviationRed: "f32",
    deviationGreen: "f32",
    deviationBlue: "f32",
  },
  twin(sizes, inputs, outputs) {
    const [y] = outputs as [Cells];
    colorJitterReference(inputs as [Cells, Cells], y, sizes.pixels, sizes);
  },
};

/** @returns Images like x. [B, H, W, 3] */
export function colorJitter(
  x: tf.Tensor4D,
  settings: tf.Tensor2D,
  scale: ColorScale,
): tf.Tensor {
  const [B, H, W] = x.shape;
  return launchOne(COLOR_JITTER, {
    uniforms: { count: B * H * W, pixels: H * W, ...scale },
    inputs: [x, settings],
    outputs: [{ shape: x.shape }],
    invocations: B * H * W,
  });
}
