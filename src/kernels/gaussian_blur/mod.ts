/** Separable blur with one filter per sample. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launchOne } from "../kernel.ts";
import shader from "./gaussian_blur.wgsl" with { type: "text" };
import { blurReference, type BlurSizes } from "./reference.ts";

const BLUR: Kernel<"count" | keyof BlurSizes> = {
  name: "gaussianBlur",
  shader,
  uniforms: { count: "u32", length: "u32", inner: "u32", image: "u32", taps: "u32" },
  twin(sizes, inputs, outputs) {
    const [y] = outputs as [Cells];
    blurReference(inputs as [Cells, Cells], y, sizes);
  },
};

/**
 * Blurs along one axis.
 *
 * @param weights [B, taps]
 * @returns Like x. [B, H, W, C]
 */
export function blurAlong(
  axis: "rows" | "columns",
  x: tf.Tensor4D,
  weights: tf.Tensor2D,
): tf.Tensor4D {
  const [, H, W, C] = x.shape;
  const taps = weights.shape[1];
  const [length, inner] = axis === "rows" ? [H, W * C] : [W, C];
  return launchOne(BLUR, {
    uniforms: { count: x.size, length, inner, image: H * W * C, taps },
    inputs: [x, weights],
    outputs: [{ shape: x.shape }],
    invocations: x.size,
  }) as tf.Tensor4D;
}
