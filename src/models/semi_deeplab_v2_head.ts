import type { Decoder } from "../core/network.ts";
import { dilatedSum } from "../layers/dilated_sum.ts";
import { coarsestOf } from "./coarsest_map.ts";
import type { DeeplabV2HeadOptions } from "./deeplab_v2_head.ts";

// Of the fresh filters; the biases start as PyTorch starts them.
const START = { kind: "normal", deviation: 0.01 } as const;

/**
 * The DeepLabV2 decoder of the semi-supervised networks: that of
 * {@linkcode deeplabV2Head} under other names, with another start of its biases and with
 * aligned corners; published dilations are 6, 12, 18, 24.
 *
 * Source: Chen et al., "DeepLab" (TPAMI 2018), https://arxiv.org/abs/1606.00915.
 *
 * @param name Prefix of the parameters, "decoder" in whole networks.
 * @param widths Channels of the encoder's maps, from fine to coarse.
 * @throws {RangeError} If there is no dilation.
 */
export function semiDeeplabV2Head(
  name: string,
  widths: readonly number[],
  { classes, dilations }: DeeplabV2HeadOptions,
): Decoder {
  const branches = dilations.map((dilation, i) =>
    [`${name}.classifier.conv2d_list.${i}`, dilation] as const
  );
  const sum = dilatedSum(branches, widths.at(-1) ?? 0, classes, START);
  return {
    alignCorners: true,
    parameters: sum.parameters,
    apply: (weights, maps, pass) => sum.apply(weights, coarsestOf(maps, widths), pass), // [B, H, W, classes]
  };
}
