/** Convolutions with batch norm, ReLU and dropout. @module */
import type { Layer } from "../core/network.ts";
import { batchNorm, type BatchNormOptions } from "./normalization.ts";
import {
  convolution,
  type ConvolutionOptions,
  depthwiseConvolution,
} from "./convolution.ts";
import { dropout } from "./dropout.ts";
import { pipe, withoutParameters } from "./sequential.ts";
import { relu } from "../ops/relu/relu.ts";

/** The shape and the initial values of a convolution with batch norm. */
export interface ConvNormOptions
  extends Omit<ConvolutionOptions, "padding">, Pick<BatchNormOptions, "zeroInit"> {
  /**
   * Of the convolution; superfluous before a norm, but some published networks have one.
   * @default {false}
   */
  readonly bias?: boolean;
}

/** The names of a convolution and of its norm. */
export type ConvNormNames = readonly [conv: string, norm: string];

/**
 * Convolution and batch norm; the maps keep their size but for the stride.
 *
 * @param options The side of the filter must be odd.
 */
export function convNorm(
  [convName, normName]: ConvNormNames,
  inChannels: number,
  outChannels: number,
  { zeroInit = false, bias = false, ...options }: ConvNormOptions,
): Layer {
  const padding = (options.dilation ?? 1) * (options.kernelSize - 1) / 2;
  const convOptions = { ...options, bias, padding };
  const conv = convolution(convName, inChannels, outChannels, convOptions);
  const norm = batchNorm(normName, outChannels, { zeroInit });
  return pipe(conv, norm);
}

/**
 * Convolution, batch norm, ReLU and dropout of whole channels; the maps keep their size
 * but for the stride.
 *
 * @param names That of the convolution also names the draws of the dropout.
 * @param options `dropout` is the share of channels dropped at the end, 0 by default.
 */
export function convNormRelu(
  names: ConvNormNames,
  inChannels: number,
  outChannels: number,
  { dropout: dropoutRate = 0, ...options }: ConvNormOptions & {
    readonly dropout?: number;
  },
): Layer {
  const layer = convNorm(names, inChannels, outChannels, options);
  return {
    parameters: layer.parameters,
    apply(weights, x, context) {
      const activated = relu(layer.apply(weights, x, context));
      return dropout(names[0], activated, dropoutRate, "channel", context);
    },
  };
}

/**
 * Convolution without bias, batch norm, ReLU: mmcv's `ConvModule`.
 *
 * @param name Parameters are `<name>.conv.*` and `<name>.bn.*`.
 */
export function convModule(
  name: string,
  inChannels: number,
  outChannels: number,
  kernelSize: number,
  dilation = 1,
): Layer {
  const names = [`${name}.conv`, `${name}.bn`] as const;
  return convNormRelu(names, inChannels, outChannels, { kernelSize, dilation });
}

/**
 * A depthwise 3×3 convolution and a pointwise one, each with batch norm and ReLU: mmcv's
 * `DepthwiseSeparableConvModule`.
 *
 * @param name Parameters are `<name>.depthwise_conv.*` and `<name>.pointwise_conv.*`.
 */
export function separableConvModule(
  name: string,
  inChannels: number,
  outChannels: number,
  dilation: number,
): Layer {
  const kernelSize = 3;
  const depthwise = depthwiseConvolution(`${name}.depthwise_conv.conv`, inChannels, {
    kernelSize,
    dilation,
    bias: false,
    fanOut: inChannels * kernelSize ** 2,
  });
  const norm = batchNorm(`${name}.depthwise_conv.bn`, inChannels);
  const pointwise = convModule(`${name}.pointwise_conv`, inChannels, outChannels, 1);
  return pipe(depthwise, norm, withoutParameters(relu), pointwise);
}
