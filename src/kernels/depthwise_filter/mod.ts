/** Filter gradient of a depthwise convolution. @module */
import type * as tf from "../../core/tf.ts";
import { CONV_UNIFORMS, type ConvSizes } from "../conv_sizes.ts";
import { type Cells, type Kernel, launchOne } from "../kernel.ts";
import shader from "./depthwise_filter.wgsl" with { type: "text" };
import { depthwiseFilterReference } from "./reference.ts";

const DEPTHWISE_FILTER: Kernel<keyof ConvSizes> = {
  name: "depthwiseFilter",
  shader,
  uniforms: CONV_UNIFORMS,
  twin(sizes, inputs, outputs) {
    const [x, dy] = inputs as [Cells, Cells];
    const [dw] = outputs as [Cells];
    depthwiseFilterReference(x, dy, dw, sizes);
  },
};

/** @returns d(loss)/d(filter). [KH, KW, C, 1] */
export function depthwiseFilter(
  x: tf.Tensor,
  dy: tf.Tensor,
  sizes: ConvSizes,
): tf.Tensor {
  const { kernelHeight, kernelWidth, channels } = sizes;
  return launchOne(DEPTHWISE_FILTER, {
    uniforms: sizes,
    inputs: [x, dy],
    outputs: [{ shape: [kernelHeight, kernelWidth, channels, 1] }],
    invocations: kernelHeight * kernelWidth * channels,
  });
}
