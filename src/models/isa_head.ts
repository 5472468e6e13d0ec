import type { Decoder, Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { classifier } from "../layers/classifier.ts";
import { convModule } from "../layers/conv_module.ts";
import { interlacedAttention } from "../layers/interlaced_attention.ts";
import { parametersOf } from "../layers/parameter.ts";
import { type HeadOptions, singleMapDecoder } from "./feature_map.ts";

/** The shape of an ISANet head; published are 512 channels. */
export interface IsaHeadOptions extends HeadOptions {
  /** Channels of keys and queries; published are 256. */
  readonly isaChannels: number;
  /** Side of a cell of close pixels, in pixels of the coarsest map; published is 8. */
  readonly downFactor: number;
}

// Convolutions of each key and query, as in mmsegmentation.
const KEY_QUERY_CONVS = 2;

/**
 * The decoder of ISANet: the coarsest map concatenated with itself after interlaced
 * attention, at the resolution of that map.
 *
 * Source: Huang et al., "Interlaced Sparse Self-Attention for Semantic Segmentation",
 * 2019, https://arxiv.org/abs/1907.12273.
 *
 * @param name Prefix of the parameters, "decode_head" in whole networks.
 */
export function isaHead(
  name: string,
  inChannels: readonly number[],
  { classes, channels, isaChannels, downFactor, dropout }: IsaHeadOptions,
): Decoder {
  const inConv = convModule(`${name}.in_conv`, inChannels.at(-1) ?? 0, channels, 3);
  const attention = interlacedAttention(name, channels, {
    keyChannels: isaChannels,
    keyQueryConvs: KEY_QUERY_CONVS,
    cell: downFactor,
  });
  const outConv = convModule(`${name}.out_conv`, 2 * channels, channels, 1);
  const classify = classifier(name, channels, classes, dropout);
  const fuse: Layer = {
    parameters: parametersOf(inConv, attention, outConv),
    apply(weights, map, context) {
      const x = inConv.apply(weights, map, context); // [B, H, W, channels]
      const attended = attention.apply(weights, x, context);
      return outConv.apply(weights, tf.concat([attended, x], 3), context);
    },
  };
  return singleMapDecoder(inChannels, -1, fuse, classify);
}
