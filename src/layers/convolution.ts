import { type Initial, type Layer, weightOf } from "../core/network.ts";
import type * as tf from "../core/tf.ts";
import { conv2d, type ConvOptions } from "../ops/conv2d.ts";
import { depthwiseConv2d } from "../ops/depthwise_conv2d.ts";
import { parameter } from "./parameter.ts";

/** Shape and start of a convolution. */
export interface ConvolutionOptions extends ConvOptions {
  /** Side of the square filter, in pixels. */
  readonly kernel: number;
  /**
   * Whether a value per channel is added.
   * @default {true}
   */
  readonly bias?: boolean;
  /**
   * "he": normal of deviation √(2 / fan out), bias 0. "pytorch": both uniform in
   * ±1/√(fan in). A number: normal of that deviation, bias 0. An {@linkcode Initial}:
   * that for the filter alone, the bias as PyTorch starts it.
   * @default {"he"}
   */
  readonly start?: Start;
}

/** How a convolution starts, see {@linkcode ConvolutionOptions}. */
export type Start = "he" | "pytorch" | number | Initial;

/**
 * A convolution with an optional bias.
 *
 * @param name Parameters are `<name>.weight` [O, I, K, K in PyTorch] and `<name>.bias` [O].
 */
export function convolution(
  name: string,
  inputs: number,
  outputs: number,
  { kernel, bias = true, start = "he", ...options }: ConvolutionOptions,
): Layer {
  const [forFilter, forBias] = starts(start, inputs * kernel ** 2, outputs * kernel ** 2);
  const shape = [kernel, kernel, inputs, outputs];
  const filter = parameter(`${name}.weight`, shape, "convolution", forFilter);
  const shift = parameter(`${name}.bias`, [outputs], "plain", forBias);
  return {
    parameters: bias ? [filter, shift] : [filter],
    apply(weights, x) {
      const added = bias ? weightOf<tf.Tensor1D>(weights, shift) : undefined;
      return conv2d(x, weightOf(weights, filter), { ...options, bias: added });
    },
  };
}

/**
 * A depthwise convolution of stride 1 that keeps the size of its maps.
 *
 * @param name Parameters are `<name>.weight` [C, 1, K, K in PyTorch] and `<name>.bias` [C].
 * @param fanOut What "he" divides by: K² per channel, or C·K² as PyTorch counts it.
 */
export function depthwiseConvolution(
  name: string,
  channels: number,
  { kernel, dilation = 1, bias = true, fanOut }: {
    kernel: number;
    dilation?: number;
    bias?: boolean;
    fanOut: number;
  },
): Layer {
  const [forFilter, forBias] = starts("he", kernel ** 2, fanOut);
  const shape = [kernel, kernel, channels, 1];
  const filter = parameter(`${name}.weight`, shape, "depthwise", forFilter);
  const shift = parameter(`${name}.bias`, [channels], "plain", forBias);
  const padding = dilation * (kernel - 1) / 2;
  return {
    parameters: bias ? [filter, shift] : [filter],
    apply(weights, x) {
      const added = bias ? weightOf<tf.Tensor1D>(weights, shift) : undefined;
      const options = { dilation, padding, bias: added };
      return depthwiseConv2d(x, weightOf(weights, filter), options);
    },
  };
}

function starts(
  start: Start,
  fanIn: number,
  fanOut: number,
): [Initial, Initial] {
  const uniform: Initial = { kind: "uniform", bound: fanIn ** -0.5 };
  if (start === "pytorch") return [uniform, uniform];
  if (typeof start === "object") return [start, uniform];
  const deviation = start === "he" ? Math.sqrt(2 / fanOut) : start;
  return [{ kind: "normal", deviation }, { kind: "constant", value: 0 }];
}
