import type { Decoder } from "../core/network.ts";
import { dilatedSum } from "../layers/dilated_sum.ts";
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
  const branches = dilations.map((dilation, i) =>
    [`${name}.aspp_modules.${i}.conv`, dilation] as const
  );
  const sum = dilatedSum(branches, widths.at(-1) ?? 0, classes, DEVIATION);
  return {
    parameters: sum.parameters,
    apply: (weights, maps, pass) => sum.apply(weights, coarsestOf(maps, widths), pass), // [B, H, W, classes]
  };
}
