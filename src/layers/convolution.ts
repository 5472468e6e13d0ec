/** Convolutions with their parameters. @module */
import { type Initializer, type Layer, weightOf } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { conv2d, type ConvOptions } from "../ops/conv2d/conv2d.ts";
import { depthwiseConv2d } from "../ops/depthwise_conv2d/depthwise_conv2d.ts";
import { transposedConv2d } from "../ops/transposed_conv2d.ts";
import { parameter } from "./parameter.ts";

/** The shape and the initial values of a convolution. */
export interface ConvolutionOptions extends ConvOptions {
  /** Side of the square filter, in pixels. */
  readonly kernelSize: number;
  /**
   * Whether a bias is added per channel.
   * @default {true}
   */
  readonly bias?: boolean;
  /**
   * "he": normal with standard deviation √(2 / fan out), bias 0. "pytorch": both uniform in
   * ±1/√(fan in). A number: normal with that standard deviation, bias 0. An
   * {@linkcode Initializer}: that for the filter alone, the bias as with "pytorch".
   * @default {"he"}
   */
  readonly init?: ConvolutionInit;
}

/** The initial values of a convolution, see {@linkcode ConvolutionOptions}. */
export type ConvolutionInit = "he" | "pytorch" | number | Initializer;

/**
 * A convolution with an optional bias.
 *
 * @param name Parameters are `<name>.weight` [O, I, K, K in PyTorch] and `<name>.bias` [O].
 */
export function convolution(
  name: string,
  inChannels: number,
  outChannels: number,
  { kernelSize, bias = true, init = "he", ...options }: ConvolutionOptions,
): Layer {
  const shape = [kernelSize, kernelSize, inChannels, outChannels];
  const [fanIn, fanOut] = [inChannels * kernelSize ** 2, outChannels * kernelSize ** 2];
  const inits = initializersOf(init, fanIn, fanOut);
  const filter = parameter(`${name}.weight`, shape, "convolution", inits.filter);
  const biases = bias
    ? [parameter(`${name}.bias`, [outChannels], "plain", inits.bias)]
    : [];
  return {
    parameters: [filter, ...biases],
    apply(weights, x) {
      const [bias] = biases.map((bias) => weightOf<tf.Tensor1D>(weights, bias));
      return conv2d(x, weightOf(weights, filter), { ...options, bias });
    },
  };
}

/**
 * A depthwise convolution; the maps keep their size but for the stride.
 *
 * @param name Parameters are `<name>.weight` [C, 1, K, K in PyTorch] and `<name>.bias` [C].
 * @param fanOut The divisor of "he": K² per channel, or C·K² as PyTorch counts it.
 */
export function depthwiseConvolution(
  name: string,
  channels: number,
  { kernelSize, stride = 1, dilation = 1, bias = true, fanOut }: {
    readonly kernelSize: number;
    readonly stride?: number;
    readonly dilation?: number;
    readonly bias?: boolean;
    readonly fanOut: number;
  },
): Layer {
  const shape = [kernelSize, kernelSize, channels, 1];
  const inits = initializersOf("he", kernelSize ** 2, fanOut);
  const filter = parameter(`${name}.weight`, shape, "depthwise", inits.filter);
  const biases = bias ? [parameter(`${name}.bias`, [channels], "plain", inits.bias)] : [];
  const options = { stride, dilation, padding: "same" } as const;
  return {
    parameters: [filter, ...biases],
    apply(weights, x) {
      const [bias] = biases.map((bias) => weightOf<tf.Tensor1D>(weights, bias));
      return depthwiseConv2d(x, weightOf(weights, filter), { ...options, bias });
    },
  };
}

/**
 * A transposed convolution whose stride is the side of its filter: every pixel becomes a
 * patch. Starts as PyTorch's, weight and bias uniform in ±1/√(O·K²).
 *
 * @param name Parameters are `<name>.weight` [I, O, K, K in PyTorch] and `<name>.bias` [O].
 * @param kernelSize Side of a patch, in pixels.
 */
export function transposedConvolution(
  name: string,
  inChannels: number,
  outChannels: number,
  kernelSize: number,
  { bias: hasBias = true }: Pick<ConvolutionOptions, "bias"> = {},
): Layer {
  // PyTorch counts the fan of a transposed filter by its outputs.
  const inits = initializersOf("pytorch", outChannels * kernelSize ** 2, 0);
  const shape = [kernelSize, kernelSize, outChannels, inChannels];
  const filter = parameter(`${name}.weight`, shape, "convolution", inits.filter);
  const biases = hasBias
    ? [parameter(`${name}.bias`, [outChannels], "plain", inits.bias)]
    : [];
  return {
    parameters: [filter, ...biases],
    apply(weights, x) {
      const y = transposedConv2d(x, weightOf(weights, filter));
      const [bias] = biases.map((bias) => weightOf<tf.Tensor1D>(weights, bias));
      return bias === undefined ? y : tf.add(y, bias);
    },
  };
}

function initializersOf(
  init: ConvolutionInit,
  fanIn: number,
  fanOut: number,
): { readonly filter: Initializer; readonly bias: Initializer } {
  const uniform: Initializer = { kind: "uniform", bound: fanIn ** -0.5 };
  if (init === "pytorch") return { filter: uniform, bias: uniform };
  if (typeof init === "object") return { filter: init, bias: uniform };
  const std = init === "he" ? Math.sqrt(2 / fanOut) : init;
  return { filter: { kind: "normal", std }, bias: { kind: "constant", value: 0 } };
}
