import type { Decoder } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { classifier } from "../layers/classifier.ts";
import { convModule } from "../layers/conv_module.ts";
import { linear } from "../layers/linear.ts";
import { parametersOf } from "../layers/parameter.ts";
import { resizeBilinear } from "../ops/resize/resize.ts";
import { featureMapAt, type HeadOptions } from "./feature_map.ts";

// Published checkpoints have a classifier that is never used, with so many inputs.
const UNUSED_CHANNELS = 128;

/** The shape of a SegFormer head. */
export interface SegformerHeadOptions extends HeadOptions {
  /**
   * Side of the convolution that fuses the levels, an odd number; published are 1.
   * @default {1}
   */
  readonly fusionKernelSize?: number;
}

/**
 * The decoder of SegFormer: all levels embedded, upsampled to the finest size, and fused
 * by one convolution.
 *
 * Source: Xie et al., "SegFormer" (NeurIPS 2021), https://arxiv.org/abs/2105.15203.
 *
 * @param name Prefix of the parameters, "decode_head" in whole networks.
 * @param unusedChannels Input channels of the unused classifier `conv_seg` of the files.
 */
export function segformerHead(
  name: string,
  inChannels: readonly number[],
  { classes, channels, fusionKernelSize = 1, dropout }: SegformerHeadOptions,
  unusedChannels: number = UNUSED_CHANNELS,
): Decoder {
  const embeds = inChannels.map((levelChannels, i) =>
    linear(`${name}.linear_c.${i}.proj`, levelChannels, channels, "pytorch")
  );
  const fuse = convModule(
    `${name}.linear_fuse`,
    channels * inChannels.length,
    channels,
    fusionKernelSize,
  );
  const convName = `${name}.linear_pred`;
  const classify = classifier(name, channels, classes, dropout, convName, "pytorch");
  const unused = classifier(name, unusedChannels, classes, 0).parameters
    .map((parameter) => ({ ...parameter, isUnused: true }));
  return {
    parameters: [...unused, ...parametersOf(...embeds, fuse, classify)],
    apply(weights, maps, context) {
      const finest = featureMapAt(maps, inChannels, 0);
      const [, H, W] = finest.shape;
      const levels = embeds.map((embed, i) =>
        resizeBilinear(embed.apply(weights, maps[i] ?? finest, context), [H, W])
      ); // [B, H, W, channels] each
      const fused = fuse.apply(weights, tf.concat(levels, 3), context);
      return classify.apply(weights, fused, context); // [B, H, W, classes]
    },
  };
}
