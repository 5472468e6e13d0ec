import type { Decoder, Initial, Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { chain } from "../layers/chain.ts";
import { convNormRelu } from "../layers/conv_norm_relu.ts";
import { convolution } from "../layers/convolution.ts";
import { parametersOf } from "../layers/parameter.ts";
import { onGrid } from "../layers/pooled_context.ts";
import { pixelShuffle } from "../ops/pixel_shuffle.ts";
import { coarsestOf } from "./coarsest_map.ts";

/** The shape of the PSPNet head of the semi-supervised networks. */
export interface SemiPspHeadOptions {
  readonly classes: number;
  /** Width of each level of the pyramid and of the fused map; published are 512. */
  readonly channels: number;
  /** Bins per side of each level; published are 1, 2, 3, 6. */
  readonly bins: readonly number[];
}

// Each doubles the size of the map; together they undo the encoder's stride of 8.
const SHUFFLES = 3;
const FACTOR = 2;

/**
 * The PSPNet decoder of the semi-supervised networks: the coarsest map beside its means
 * over grids of several sizes, fused by 3×3, classified, and then made eight times larger
 * by sub-pixel convolutions instead of interpolation. As their ReLU comes before the last
 * shuffle, no logit is negative.
 *
 * Sources: Zhao et al., "Pyramid Scene Parsing Network" (CVPR 2017),
 * https://arxiv.org/abs/1612.01105; Ouali et al., "Semi-Supervised Semantic Segmentation
 * with Cross-Consistency Training" (CVPR 2020), https://arxiv.org/abs/2003.09005.
 *
 * @param name Prefix of the parameters, "decoder" in whole networks.
 * @param widths Channels of the encoder's maps, from fine to coarse.
 */
export function semiPspHead(
  name: string,
  widths: readonly number[],
  { classes, channels, bins }: SemiPspHeadOptions,
): Decoder {
  const width = widths.at(-1) ?? 0;
  const levels = bins.map((count, i) => {
    const stage = `${name}.psp.stages.${i}`;
    const start = heUniform(width);
    return onGrid(
      count,
      convNormRelu([`${stage}.1`, `${stage}.2`], width, channels, { kernel: 1, start }),
    );
  });
  const together = width + bins.length * channels;
  const fuse = convNormRelu(
    [`${name}.psp.bottleneck.0`, `${name}.psp.bottleneck.1`],
    together,
    channels,
    { kernel: 3, start: heUniform(together * 9) },
  );
  const classify = convolution(`${name}.decoder.0`, channels, classes, {
    kernel: 1,
    bias: false,
    start: heNormal(channels),
  });
  const enlarge = Array.from(
    { length: SHUFFLES },
    (_, i) => subPixel(`${name}.decoder.${i + 1}.conv`, classes),
  );
  const finish = chain([fuse, classify, ...enlarge]);
  return {
    alignCorners: true,
    parameters: parametersOf(...levels, finish),
    apply(weights, maps, pass) {
      const x = coarsestOf(maps, widths);
      const seen = levels.map((level) => level.apply(weights, x, pass));
      return finish.apply(weights, tf.concat([x, ...seen], 3), pass); // [B, 8·H, 8·W, classes]
    },
  };
}

// A fresh one repeats every pixel (ICNR): its sub-pixels share their filters.
// Source: Aitken et al., "Checkerboard artifact free sub-pixel convolution", 2017,
// https://arxiv.org/abs/1707.02937.
function subPixel(name: string, channels: number): Layer {
  const conv = convolution(name, channels, channels * FACTOR ** 2, {
    kernel: 1,
    start: { ...heNormal(channels), repeat: FACTOR ** 2 },
  });
  return {
    parameters: conv.parameters,
    apply: (weights, x, pass) =>
      pixelShuffle(tf.relu(conv.apply(weights, x, pass)), FACTOR), // [B, 2·H, 2·W, C]
  };
}

// He et al., "Delving Deep into Rectifiers" (ICCV 2015), https://arxiv.org/abs/1502.01852:
// a variance of 2 / fan in.
const heNormal = (fanIn: number) =>
  ({ kind: "normal", deviation: Math.sqrt(2 / fanIn) }) as const satisfies Initial;
const heUniform = (fanIn: number) =>
  ({ kind: "uniform", bound: Math.sqrt(6 / fanIn) }) as const satisfies Initial;
