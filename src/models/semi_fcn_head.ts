import type { Decoder } from "../core/network.ts";
import { chain } from "../layers/chain.ts";
import { convNormRelu } from "../layers/conv_norm_relu.ts";
import { convolution } from "../layers/convolution.ts";
import { mapAt } from "./map_at.ts";

/** The shape of the auxiliary head of the semi-supervised networks. */
export interface SemiFcnHeadOptions {
  readonly classes: number;
  /** Between its two convolutions; published are 256. */
  readonly channels: number;
  /** Share of channels dropped before the classifier. */
  readonly dropout: number;
}

// The map of the third stage.
const LEVEL = -2;

/**
 * The auxiliary head of the semi-supervised networks: a 3×3 convolution and a classifier
 * on the map of the third stage.
 *
 * Source: Zhao et al., "Pyramid Scene Parsing Network" (CVPR 2017),
 * https://arxiv.org/abs/1612.01105, section 3.3; names of the parameters as in U2PL,
 * https://arxiv.org/abs/2203.03884.
 *
 * @param name Parameters are `<name>.{0,1,4}.*`, "auxor.aux" in whole networks.
 * @param widths Channels of the encoder's maps, from fine to coarse; the last map but one
 * is read.
 */
export function semiFcnHead(
  name: string,
  widths: readonly number[],
  { classes, channels, dropout }: SemiFcnHeadOptions,
): Decoder {
  const look = convNormRelu(
    [`${name}.0`, `${name}.1`],
    widths.at(LEVEL) ?? 0,
    channels,
    { kernel: 3, bias: true, start: "pytorch", dropout },
  );
  const classify = convolution(`${name}.4`, channels, classes, {
    kernel: 1,
    start: "pytorch",
  });
  const layers = chain([look, classify]);
  return {
    alignCorners: true,
    parameters: layers.parameters,
    apply: (weights, maps, pass) =>
      layers.apply(weights, mapAt(maps, widths, LEVEL), pass), // [B, H, W, classes]
  };
}
