/** Max pool of NHWC maps, and its gradient. @module */
import * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launch, launchOne, launchPlain } from "../kernel.ts";
import forwardShader from "./forward.wgsl" with { type: "text" };
import gradientShader from "./gradient.wgsl" with { type: "text" };
import {
  maxPoolGradientReference,
  maxPoolReference,
  type MaxPoolSizes,
} from "./reference.ts";

export type { MaxPoolSizes } from "./reference.ts";

const UNIFORMS = {
  count: "u32",
  height: "u32",
  width: "u32",
  channels: "u32",
  outHeight: "u32",
  outWidth: "u32",
  window: "u32",
  stride: "u32",
  padding: "u32",
} as const;

const FORWARD: Kernel<keyof typeof UNIFORMS> = {
  name: "maxPool",
  shader: forwardShader,
  uniforms: UNIFORMS,
  twin(sizes, inputs, outputs) {
    const [x] = inputs as [Cells];
    maxPoolReference(x, outputs as [Cells, Cells], sizes);
  },
};

const GRADIENT: Kernel<keyof typeof UNIFORMS> = {
  name: "maxPoolGradient",
  shader: gradientShader,
  uniforms: UNIFORMS,
};

/** @returns The maxima, and where they were (row · W + column). [B, OH, OW, C] each */
export function maxPool(x: tf.Tensor4D, sizes: MaxPoolSizes): [tf.Tensor, tf.Tensor] {
  const { outHeight, outWidth, channels } = sizes;
  const shape = [x.shape[0], outHeight, outWidth, channels];
  const count = x.shape[0] * outHeight * outWidth * channels;
  return launch(FORWARD, {
    uniforms: { count, ...sizes },
    inputs: [x],
    outputs: [{ shape }, { shape, dtype: "int32" }],
    invocations: count,
  }) as [tf.Tensor, tf.Tensor];
}

/** @returns d(loss)/dx, on webgpu. [B, H, W, C] */
export function maxPoolGradient(
  dy: tf.Tensor,
  places: tf.Tensor,
  sizes: MaxPoolSizes,
): tf.Tensor {
  const { height, width, channels } = sizes;
  const images = dy.shape[0] ?? 0;
  const count = images * height * width * channels;
  return launchOne(GRADIENT, {
    uniforms: { count, ...sizes },
    inputs: [dy, places],
    outputs: [{ shape: [images, height, width, channels] }],
    invocations: count,
  });
}

/** @returns The maxima alone, by XNNPACK. [B, OH, OW, C] */
export function maxima(x: tf.Tensor4D, sizes: MaxPoolSizes): tf.Tensor {
  const { height, width, outHeight, outWidth, window, stride, padding } = sizes;
  if (window === 1) { // XNNPACK refuses
    const [y, places] = maxPool(x, sizes);
    places.dispose();
    return y;
  }
  // What lies below and on the right makes exactly the wanted number of windows.
  const after = (side: number, outputs: number) =>
    Math.max((outputs - 1) * stride + window - side - padding, 0);
  const rows: [number, number] = [padding, after(height, outHeight)];
  const columns: [number, number] = [padding, after(width, outWidth)];
  return tf.maxPool(x, window, stride, [[0, 0], rows, columns, [0, 0]], "floor");
}

/** @returns d(loss)/dx from x and its maxima, on wasm. [B, H, W, C] */
export function maximaGradient(
  [x, y, dy]: readonly [tf.Tensor, tf.Tensor, tf.Tensor],
  sizes: MaxPoolSizes,
): tf.Tensor {
  const [dx] = launchPlain("maxPoolGradient", {
    inputs: [x, y, dy],
    outputs: [{ shape: x.shape }],
    compute(inputs, outputs) {
      const [dx] = outputs as [Cells];
      maxPoolGradientReference(inputs as [Cells, Cells, Cells], dx, sizes);
    },
  }) as [tf.Tensor];
  return dx;
}
