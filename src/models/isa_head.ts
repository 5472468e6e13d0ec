import type { Decoder } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { classifier } from "../layers/classifier.ts";
import { convModule } from "../layers/conv_module.ts";
import { interlacedAttention } from "../layers/interlaced_attention.ts";
import { parametersOf } from "../layers/parameter.ts";
import { coarsestOf } from "./coarsest_map.ts";

/** The shape of an ISANet head. */
export interface IsaHeadOptions {
  readonly classes: number;
  /** Width of the maps; published is 512. */
  readonly channels: number;
  /** Channels of keys and queries; published is 256. */
  readonly relationChannels: number;
  /** Side of a cell of close pixels, in pixels of the coarsest map; published is 8. */
  readonly cell: number;
  /** Share of channels dropped before the classifier. */
  readonly dropout: number;
}

// Convolutions of each key and query, as in mmsegmentation.
const PROJECTIONS = 2;

/**
 * The decoder of ISANet: the coarsest map beside itself after interlaced attention, at
 * the resolution of that map.
 *
 * Source: Huang et al., "Interlaced Sparse Self-Attention for Semantic Segmentation",
 * 2019, https://arxiv.org/abs/1907.12273.
 *
 * @param name Prefix of the parameters, "decode_head" in whole networks.
 * @param widths Channels of the encoder's maps, from fine to coarse.
 */
export function isaHead(
  name: string,
  widths: readonly number[],
  { classes, channels, relationChannels, cell, dropout }: IsaHeadOptions,
): Decoder {
  const enter = convModule(`${name}.in_conv`, widths.at(-1) ?? 0, channels, {
    kernel: 3,
  });
  const relate = interlacedAttention(name, channels, {
    reduced: relationChannels,
    projections: PROJECTIONS,
    cell,
  });
  const fuse = convModule(`${name}.out_conv`, 2 * channels, channels, { kernel: 1 });
  const classify = classifier(name, channels, classes, dropout);
  return {
    parameters: parametersOf(classify, enter, relate, fuse),
    apply(weights, maps, pass) {
      const x = enter.apply(weights, coarsestOf(maps, widths), pass); // [B, H, W, channels]
      const related = relate.apply(weights, x, pass);
      const fused = fuse.apply(weights, tf.concat([related, x], 3), pass);
      return classify.apply(weights, fused, pass); // [B, H, W, classes]
    },
  };
}
