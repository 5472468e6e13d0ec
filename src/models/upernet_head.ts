import type { Decoder } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { classifier } from "../layers/classifier.ts";
import { convModule } from "../layers/conv_module.ts";
import { parametersOf } from "../layers/parameter.ts";
import { pooledContext } from "../layers/pooled_context.ts";
import { resizeBilinear } from "../ops/resize_bilinear.ts";
import { coarsestOf } from "./coarsest_map.ts";

/** The shape of a UPerNet head. */
export interface UpernetHeadOptions {
  readonly classes: number;
  /** Width of each level and of the fused map. */
  readonly channels: number;
  /** Bins per side of each grid of the coarsest level; published are 1, 2, 3, 6. */
  readonly bins: readonly number[];
  /** Share of channels dropped before the classifier. */
  readonly dropout: number;
}

/**
 * The decoder of UPerNet: the coarsest map beside its means over grids of several sizes,
 * added to the finer maps level by level, then all levels fused at the finest size.
 *
 * Source: Xiao et al., "Unified Perceptual Parsing" (ECCV 2018),
 * https://arxiv.org/abs/1807.10221; as mmsegmentation's `UPerHead`.
 *
 * @param name Prefix of the parameters, "decode_head" in whole networks.
 * @param widths Channels of the encoder's maps, from fine to coarse.
 */
export function upernetHead(
  name: string,
  widths: readonly number[],
  { classes, channels, bins, dropout }: UpernetHeadOptions,
): Decoder {
  const coarsest = widths.at(-1) ?? 0;
  const finer = widths.slice(0, -1);
  const pools = bins.map((count, i) =>
    pooledContext(`${name}.psp_modules.${i}`, coarsest, channels, count)
  );
  const fuse = (part: string, inputs: number) =>
    convModule(`${name}.${part}`, inputs, channels, { kernel: 3 });
  const context = fuse("bottleneck", coarsest + bins.length * channels);
  const laterals = finer.map((width, i) =>
    convModule(`${name}.lateral_convs.${i}`, width, channels, { kernel: 1 })
  );
  const smooth = finer.map((_, i) => fuse(`fpn_convs.${i}`, channels));
  const join = fuse("fpn_bottleneck", widths.length * channels);
  const classify = classifier(name, channels, classes, dropout);
  return {
    parameters: parametersOf(classify, ...pools, context, ...laterals, ...smooth, join),
    apply(weights, maps, pass) {
      const x = coarsestOf(maps, widths);
      const seen = pools.map((pool) => pool.apply(weights, x, pass));
      let above = context.apply(weights, tf.concat([x, ...seen], 3), pass);
      const levels = [above];
      for (let i = finer.length - 1; i >= 0; i--) {
        const map = laterals[i]?.apply(weights, maps[i] ?? x, pass) ?? above;
        const [, H, W] = map.shape;
        above = tf.add(map, resizeBilinear(above, [H, W]));
        levels.unshift(smooth[i]?.apply(weights, above, pass) ?? above);
      }
      const [, H, W] = above.shape;
      const sized = levels.map((level) => resizeBilinear(level, [H, W]));
      const joined = join.apply(weights, tf.concat(sized, 3), pass);
      return classify.apply(weights, joined, pass); // [B, H, W, classes]
    },
  };
}
