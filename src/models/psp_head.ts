import type { Decoder } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { classifier } from "../layers/classifier.ts";
import { convModule } from "../layers/conv_module.ts";
import { parametersOf } from "../layers/parameter.ts";
import { pooledContext } from "../layers/pooled_context.ts";
import { coarsestOf } from "./coarsest_map.ts";

/** The shape of a PSPNet head. */
export interface PspHeadOptions {
  readonly classes: number;
  /** Width of each level of the pyramid and of the fused map. */
  readonly channels: number;
  /** Bins per side of each level; published are 1, 2, 3, 6. */
  readonly bins: readonly number[];
  /** Share of channels dropped before the classifier. */
  readonly dropout: number;
}

/**
 * The decoder of PSPNet: the coarsest map beside its means over grids of several sizes,
 * fused by a 3×3 convolution at the resolution of that map.
 *
 * Source: Zhao et al., "Pyramid Scene Parsing Network" (CVPR 2017),
 * https://arxiv.org/abs/1612.01105.
 *
 * @param name Prefix of the parameters, "decode_head" in whole networks.
 * @param widths Channels of the encoder's maps, from fine to coarse.
 */
export function pspHead(
  name: string,
  widths: readonly number[],
  { classes, channels, bins, dropout }: PspHeadOptions,
): Decoder {
  const width = widths.at(-1) ?? 0;
  const levels = bins.map((count, i) =>
    pooledContext(`${name}.psp_modules.${i}`, width, channels, count)
  );
  const fuse = convModule(
    `${name}.bottleneck`,
    width + bins.length * channels,
    channels,
    {
      kernel: 3,
    },
  );
  const classify = classifier(name, channels, classes, dropout);
  return {
    parameters: parametersOf(classify, ...levels, fuse),
    apply(weights, maps, pass) {
      const x = coarsestOf(maps, widths);
      const seen = levels.map((level) => level.apply(weights, x, pass));
      const fused = fuse.apply(weights, tf.concat([x, ...seen], 3), pass);
      return classify.apply(weights, fused, pass); // [B, H, W, classes]
    },
  };
}
