/** Bilinear resize of NHWC maps, and its gradient. @module */
import * as tf from "../../core/tf.ts";
import { resampling } from "../resampling.ts";
import forwardShader from "./forward.wgsl" with { type: "text" };
import gradientShader from "./gradient.wgsl" with { type: "text" };
import {
  resizeBilinearGradientReference,
  resizeBilinearReference,
  type ResizeSizes,
} from "./reference.ts";

export type { ResizeSizes } from "./reference.ts";

const kernels = resampling<ResizeSizes>(
  "resizeBilinear",
  ["alignCorners"],
  { shader: forwardShader, twin: resizeBilinearReference },
  { shader: gradientShader, twin: resizeBilinearGradientReference },
);

/** x at another size. [B, OH, OW, C] */
export function resizeBilinear(x: tf.Tensor4D, sizes: ResizeSizes): tf.Tensor {
  const { height, width, outHeight, outWidth } = sizes;
  const alignCorners = sizes.alignCorners === 1;
  return tf.getBackend() !== "webgpu" && isExact(height, outHeight, alignCorners) &&
      isExact(width, outWidth, alignCorners)
    ? tf.image.resizeBilinear(x, [outHeight, outWidth], alignCorners, !alignCorners)
    : kernels.forward(x, sizes);
}

// Whether XNNPACK, which reckons places in float32, finds all of them exactly: they are
// multiples of 1/512 then. Of other sizes it was up to 6e-4 off for normal numbers.
function isExact(inputs: number, outputs: number, alignCorners: boolean): boolean {
  const step = alignCorners ? (inputs - 1) / Math.max(outputs - 1, 1) : inputs / outputs;
  return Number.isInteger(256 * step);
}

/** d(loss)/dx. [B, H, W, C] */
export const resizeBilinearGradient = kernels.gradient;
