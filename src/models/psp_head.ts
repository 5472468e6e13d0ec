/**
 * The decoder of PSPNet: the coarsest map concatenated with its means over grids of
 * several sizes, fused by a 3×3 convolution at the resolution of that map.
 *
 * Source: Zhao et al., "Pyramid Scene Parsing Network" (CVPR 2017),
 * https://arxiv.org/abs/1612.01105.
 *
 * @module
 */
import type { Decoder, Initializer, Layer } from "../core/network.ts";
import { classifier } from "../layers/classifier.ts";
import { convNormRelu } from "../layers/conv_module.ts";
import { convolution } from "../layers/convolution.ts";
import {
  concatBranches,
  pyramidPooling,
  withPooling,
} from "../layers/pyramid_pooling.ts";
import { sequential } from "../layers/sequential.ts";
import { pixelShuffle } from "../ops/pixel_shuffle.ts";
import { type HeadOptions, singleMapDecoder } from "./feature_map.ts";
import { relu } from "../ops/relu/relu.ts";

/** The shape of a PSPNet head. */
export interface PspHeadOptions extends HeadOptions {
  /** Bins per side of each level of the pyramid; published are 1, 2, 3, 6. */
  readonly poolScales: readonly number[];
}

/** The shape of the head of the semi-supervised networks; published are 512 channels. */
export type SemiPspHeadOptions = Omit<PspHeadOptions, "dropout">;

/**
 * Builds the head of mmsegmentation.
 *
 * @param name Prefix of the parameters, "decode_head" in whole networks.
 */
export function pspHead(
  name: string,
  inChannels: readonly number[],
  { classes, channels, poolScales, dropout }: PspHeadOptions,
): Decoder {
  const pyramid = pyramidPooling(name, inChannels.at(-1) ?? 0, channels, poolScales);
  const classify = classifier(name, channels, classes, dropout);
  return singleMapDecoder(inChannels, -1, pyramid, classify);
}

// Each doubles the size of the map; together they undo the encoder's stride of 8.
const UPSAMPLE_STEPS = 3;
const UPSAMPLE_FACTOR = 2;

/**
 * Builds the head of the semi-supervised networks. The fused map is classified and then
 * made eight times larger by sub-pixel convolutions instead of interpolation. As their
 * ReLU comes before the last shuffle, no logit is negative.
 *
 * Source: Ouali et al., "Semi-Supervised Semantic Segmentation with Cross-Consistency
 * Training" (CVPR 2020), https://arxiv.org/abs/2003.09005.
 *
 * @param name Prefix of the parameters, "decoder" in whole networks.
 */
export function semiPspHead(
  name: string,
  inChannels: readonly number[],
  { classes, channels, poolScales }: SemiPspHeadOptions,
): Decoder {
  const coarsestChannels = inChannels.at(-1) ?? 0;
  const branches = poolScales.map((bins, i) => {
    const stage = `${name}.psp.stages.${i}`;
    return withPooling(
      bins,
      convNormRelu([`${stage}.1`, `${stage}.2`], coarsestChannels, channels, {
        kernelSize: 1,
        init: kaimingUniform(coarsestChannels),
      }),
    );
  });
  const concatChannels = coarsestChannels + poolScales.length * channels;
  const fuse = convNormRelu(
    [`${name}.psp.bottleneck.0`, `${name}.psp.bottleneck.1`],
    concatChannels,
    channels,
    { kernelSize: 3, init: kaimingUniform(concatChannels * 9) },
  );
  const classify = convolution(`${name}.decoder.0`, channels, classes, {
    kernelSize: 1,
    bias: false,
    init: kaimingNormal(channels),
  });
  const upsampleLayers = Array.from(
    { length: UPSAMPLE_STEPS },
    (_, i) => subPixelUpsample(`${name}.decoder.${i + 1}.conv`, classes),
  );
  const pyramid = concatBranches(
    branches,
    sequential([fuse, classify, ...upsampleLayers]),
    true,
  );
  return { ...singleMapDecoder(inChannels, -1, pyramid), alignCorners: true };
}

// A fresh one repeats every pixel (ICNR): its sub-pixels share their filters.
// Source: Aitken et al., "Checkerboard artifact free sub-pixel convolution", 2017,
// https://arxiv.org/abs/1707.02937.
function subPixelUpsample(name: string, channels: number): Layer {
  const conv = convolution(name, channels, channels * UPSAMPLE_FACTOR ** 2, {
    kernelSize: 1,
    init: { ...kaimingNormal(channels), repeat: UPSAMPLE_FACTOR ** 2 },
  });
  return {
    parameters: conv.parameters,
    apply: (weights, x, context) =>
      pixelShuffle(relu(conv.apply(weights, x, context)), UPSAMPLE_FACTOR), // [B, 2·H, 2·W, C]
  };
}

// He et al., "Delving Deep into Rectifiers" (ICCV 2015), https://arxiv.org/abs/1502.01852:
// a variance of 2 / fan in.
const kaimingNormal = (fanIn: number) =>
  ({ kind: "normal", std: Math.sqrt(2 / fanIn) }) as const satisfies Initializer;
const kaimingUniform = (fanIn: number) =>
  ({ kind: "uniform", bound: Math.sqrt(6 / fanIn) }) as const satisfies Initializer;
