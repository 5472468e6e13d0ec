/**
 * The decoder of DeepLabV2: the sum of 3×3 classifiers of several dilations, on the
 * coarsest map alone and at its resolution; no norm, no dropout.
 *
 * Source: Chen et al., "DeepLab" (TPAMI 2018), https://arxiv.org/abs/1606.00915.
 *
 * @module
 */
import type { Decoder } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { convolution, type ConvolutionInit } from "../layers/convolution.ts";
import { parametersOf } from "../layers/parameter.ts";
import { singleMapDecoder } from "./feature_map.ts";

/** The shape of a DeepLabV2 head. */
export interface DeeplabV2HeadOptions {
  readonly classes: number;
  /** Of the branches, in pixels of the coarsest map; published are 6, 12 (, 18, 24). */
  readonly dilations: readonly number[];
}

// Standard deviation of fresh filters, as in the references.
const INIT_STD = 0.01;

/**
 * Builds the head of mmsegmentation.
 *
 * @param name Prefix of the parameters, "decode_head" in whole networks.
 * @throws {RangeError} If there is no dilation.
 */
export function deeplabV2Head(
  name: string,
  inChannels: readonly number[],
  options: DeeplabV2HeadOptions,
): Decoder {
  const nameOf = (i: number) => `${name}.aspp_modules.${i}.conv`;
  return summedAspp(nameOf, inChannels, options, INIT_STD);
}

/**
 * Builds the head of the semi-supervised networks, with initial biases as PyTorch's and
 * with aligned corners; published dilations are 6, 12, 18, 24.
 *
 * @param name Prefix of the parameters, "decoder" in whole networks.
 * @throws {RangeError} If there is no dilation.
 */
export function semiDeeplabV2Head(
  name: string,
  inChannels: readonly number[],
  options: DeeplabV2HeadOptions,
): Decoder {
  const nameOf = (i: number) => `${name}.classifier.conv2d_list.${i}`;
  const init = { kind: "normal", std: INIT_STD } as const;
  return { ...summedAspp(nameOf, inChannels, options, init), alignCorners: true };
}

function summedAspp(
  nameOf: (branch: number) => string,
  inChannels: readonly number[],
  { classes, dilations }: DeeplabV2HeadOptions,
  init: ConvolutionInit,
): Decoder {
  if (dilations.length === 0) {
    throw new RangeError(
      'Cannot build a DeepLabV2 head: "dilations" must name at least one branch',
    );
  }
  const branches = dilations.map((dilation, i) =>
    convolution(nameOf(i), inChannels.at(-1) ?? 0, classes, {
      kernelSize: 3,
      dilation,
      padding: dilation,
      init,
    })
  );
  return singleMapDecoder(inChannels, -1, {
    parameters: parametersOf(...branches),
    apply: (weights, x, context) =>
      tf.addN(branches.map((branch) => branch.apply(weights, x, context))),
  });
}
