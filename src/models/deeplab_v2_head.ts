import type { Decoder } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { convolution } from "../layers/convolution.ts";
import { parametersOf } from "../layers/parameter.ts";
import { coarsestOf } from "./coarsest_map.ts";

/** The shape of a DeepLabV2 head. */
export interface DeeplabV2HeadOptions {
  readonly classes: number;
  /** Of the branches, in pixels of the coarsest map; published are 6, 12 (, 18, 24). */
  readonly dilations: readonly number[];
}

// Deviation of the fresh weights, as in the reference.
const DEVIATION = 0.01;

/**
 * The decoder of DeepLabV2: the sum of 3×3 classifiers of several dilations, on the
 * coarsest map alone and at its resolution; no norm, no dropout.
 *
 * Source: Chen et al., "DeepLab" (TPAMI 2018), https://arxiv.org/abs/1606.00915.
 *
 * @param name Prefix of the parameters, "decode_head" in whole networks.
 * @param widths Channels of the encoder's maps, from fine to coarse.
 * @throws {RangeError} If there is no dilation.
 */
export function deeplabV2Head(
  name: string,
  widths: readonly number[],
  { classes, dilations }: DeeplabV2HeadOptions,
): Decoder {
  if (dilations.length === 0) {
    throw new RangeError(
      'Cannot build a DeepLabV2 head: "dilations" must name at least one branch',
    );
  }
  const branches = dilations.map((dilation, i) =>
    convolution(`${name}.aspp_modules.${i}.conv`, widths.at(-1) ?? 0, classes, {
      kernel: 3,
      dilation,
      padding: dilation,
      start: DEVIATION,
    })
  );
  return {
    parameters: parametersOf(...branches),
    apply(weights, maps, pass) {
      const x = coarsestOf(maps, widths);
      return tf.addN(branches.map((branch) => branch.apply(weights, x, pass))); // [B, H, W, classes]
    },
  };
}
