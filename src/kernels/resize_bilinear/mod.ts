/** Bilinear resize of NHWC maps, and its gradient. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launchOne } from "../kernel.ts";
import forwardShader from "./forward.wgsl" with { type: "text" };
import gradientShader from "./gradient.wgsl" with { type: "text" };
import {
  resizeBilinearGradientReference,
  resizeBilinearReference,
  type ResizeSizes,
} from "./reference.ts";

const UNIFORMS = {
  count: "u32",
  height: "u32",
  width: "u32",
  channels: "u32",
  outHeight: "u32",
  outWidth: "u32",
  alignCorners: "u32",
} as const;

const FORWARD: Kernel<keyof typeof UNIFORMS> = {
  name: "resizeBilinear",
  shader: forwardShader,
  uniforms: UNIFORMS,
  twin(sizes, inputs, outputs) {
    const [x] = inputs as [Cells];
    const [y] = outputs as [Cells];
    resizeBilinearReference(x, y, sizes);
  },
};

const GRADIENT: Kernel<keyof typeof UNIFORMS> = {
  name: "resizeBilinearGradient",
  shader: gradientShader,
  uniforms: UNIFORMS,
  twin(sizes, inputs, outputs) {
    const [dy] = inputs as [Cells];
    const [dx] = outputs as [Cells];
    resizeBilinearGradientReference(dy, dx, sizes);
  },
};

/** @returns x at another size. [B, outHeight, outWidth, C] */
export function resizeBilinear(x: tf.Tensor4D, sizes: ResizeSizes): tf.Tensor {
  const { outHeight, outWidth, channels } = sizes;
  const count = x.shape[0] * outHeight * outWidth * channels;
  return launchOne(FORWARD, {
    uniforms: { count, ...sizes },
    inputs: [x],
    outputs: [{ shape: [x.shape[0], outHeight, outWidth, channels] }],
    invocations: count,
  });
}

/** @returns d(loss)/dx. [B, height, width, C] */
export function resizeBilinearGradient(dy: tf.Tensor4D, sizes: ResizeSizes): tf.Tensor {
  const { height, width, channels } = sizes;
  const count = dy.shape[0] * height * width * channels;
  return launchOne(GRADIENT, {
    uniforms: { count, ...sizes },
    inputs: [dy],
    outputs: [{ shape: [dy.shape[0], height, width, channels] }],
    invocations: count,
  });
}
