/** Nearest resize of NHWC maps, and its gradient. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launchOne } from "../kernel.ts";
import forwardShader from "./forward.wgsl" with { type: "text" };
import gradientShader from "./gradient.wgsl" with { type: "text" };
import {
  resizeNearestGradientReference,
  resizeNearestReference,
  type ResizeNearestSizes,
} from "./reference.ts";

export type { ResizeNearestSizes } from "./reference.ts";

const UNIFORMS = {
  count: "u32",
  height: "u32",
  width: "u32",
  channels: "u32",
  outHeight: "u32",
  outWidth: "u32",
} as const;

const FORWARD: Kernel<keyof typeof UNIFORMS> = {
  name: "resizeNearest",
  shader: forwardShader,
  uniforms: UNIFORMS,
  twin(sizes, inputs, outputs) {
    const [x] = inputs as [Cells];
    const [y] = outputs as [Cells];
    resizeNearestReference(x, y, sizes);
  },
};

const GRADIENT: Kernel<keyof typeof UNIFORMS> = {
  name: "resizeNearestGradient",
  shader: gradientShader,
  uniforms: UNIFORMS,
  twin(sizes, inputs, outputs) {
    const [dy] = inputs as [Cells];
    const [dx] = outputs as [Cells];
    resizeNearestGradientReference(dy, dx, sizes);
  },
};

/** @returns x at another size. [B, OH, OW, C] */
export function resizeNearest(x: tf.Tensor4D, sizes: ResizeNearestSizes): tf.Tensor {
  const { outHeight, outWidth, channels } = sizes;
  const count = x.shape[0] * outHeight * outWidth * channels;
  return launchOne(FORWARD, {
    uniforms: { count, ...sizes },
    inputs: [x],
    outputs: [{ shape: [x.shape[0], outHeight, outWidth, channels] }],
    invocations: count,
  });
}

/** @returns d(loss)/dx. [B, H, W, C] */
export function resizeNearestGradient(
  dy: tf.Tensor,
  sizes: ResizeNearestSizes,
): tf.Tensor {
  const { height, width, channels } = sizes;
  const images = dy.shape[0] ?? 0;
  const count = images * height * width * channels;
  return launchOne(GRADIENT, {
    uniforms: { count, ...sizes },
    inputs: [dy],
    outputs: [{ shape: [images, height, width, channels] }],
    invocations: count,
  });
}
