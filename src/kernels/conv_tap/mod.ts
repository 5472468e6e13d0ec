/** What one tap of a convolution reads, as a matrix. @module */
import type * as tf from "../../core/tf.ts";
import { CONV_UNIFORMS, type ConvSizes } from "../conv_sizes.ts";
import { type Cells, type Kernel, launchOne } from "../kernel.ts";
import shader from "./conv_tap.wgsl" with { type: "text" };
import { convTapReference } from "./reference.ts";

const CONV_TAP: Kernel<keyof ConvSizes | "ky" | "kx"> = {
  name: "convTap",
  shader,
  uniforms: { ...CONV_UNIFORMS, ky: "u32", kx: "u32" },
  twin({ ky, kx, ...sizes }, inputs, outputs) {
    const [x] = inputs as [Cells];
    const [out] = outputs as [Cells];
    convTapReference(x, out, sizes, ky, kx);
  },
};

/** @returns The pixels that tap (ky, kx) reads, transposed. [C, B·OH·OW] */
export function convTap(
  x: tf.Tensor,
  sizes: ConvSizes,
  ky: number,
  kx: number,
): tf.Tensor2D {
  const pixels = sizes.batch * sizes.outHeight * sizes.outWidth;
  return launchOne(CONV_TAP, {
    uniforms: { ...sizes, ky, kx },
    inputs: [x],
    outputs: [{ shape: [sizes.channels, pixels] }],
    invocations: sizes.channels * pixels,
  }) as tf.Tensor2D;
}
