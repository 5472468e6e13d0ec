import type { Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { batchNorm } from "./batch_norm.ts";
import { convolution, depthwiseConvolution } from "./convolution.ts";
import { parametersOf } from "./parameter.ts";

/**
 * Convolution without bias, batch norm, ReLU; keeps the size of its maps.
 *
 * @param name Parameters are `<name>.conv.*` and `<name>.bn.*`.
 */
export function convModule(
  name: string,
  inputs: number,
  outputs: number,
  { kernel, dilation = 1 }: { kernel: number; dilation?: number },
): Layer {
  const padding = dilation * (kernel - 1) / 2;
  const conv = convolution(`${name}.conv`, inputs, outputs, {
    kernel,
    dilation,
    padding,
    bias: false,
  });
  return normalised(name, conv, outputs);
}

/**
 * A depthwise 3×3 convolution and a pointwise one, each with batch norm and ReLU.
 *
 * @param name Parameters are `<name>.depthwise_conv.*` and `<name>.pointwise_conv.*`.
 */
export function separableConvModule(
  name: string,
  inputs: number,
  outputs: number,
  { dilation }: { dilation: number },
): Layer {
  const kernel = 3;
  const depthwise = normalised(
    `${name}.depthwise_conv`,
    depthwiseConvolution(`${name}.depthwise_conv.conv`, inputs, {
      kernel,
      dilation,
      bias: false,
      fanOut: inputs * kernel ** 2,
    }),
    inputs,
  );
  const pointwise = convModule(`${name}.pointwise_conv`, inputs, outputs, { kernel: 1 });
  return {
    parameters: parametersOf(depthwise, pointwise),
    apply: (weights, x, pass) =>
      pointwise.apply(weights, depthwise.apply(weights, x, pass), pass),
  };
}

function normalised(name: string, conv: Layer, channels: number): Layer {
  const norm = batchNorm(`${name}.bn`, channels);
  return {
    parameters: parametersOf(conv, norm),
    apply: (weights, x, pass) =>
      tf.relu(norm.apply(weights, conv.apply(weights, x, pass), pass)),
  };
}
