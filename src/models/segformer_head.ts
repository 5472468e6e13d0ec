import type { Decoder } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { convModule } from "../layers/conv_module.ts";
import { convolution } from "../layers/convolution.ts";
import { dropout } from "../layers/dropout.ts";
import { linear } from "../layers/linear.ts";
import { parameter, parametersOf } from "../layers/parameter.ts";
import { resizeBilinear } from "../ops/resize_bilinear.ts";

/** The shape of a SegFormer head. */
export interface SegformerHeadOptions {
  readonly classes: number;
  /** Width of each embedding and of the fused map. */
  readonly channels: number;
  /** Share of channels dropped before the classifier. */
  readonly dropout: number;
}

// Published checkpoints carry a classifier that is never used, of this width.
const UNUSED_WIDTH = 128;

/**
 * The decoder of SegFormer: all levels embedded, brought to the finest size, and mixed
 * by one 1×1 convolution.
 *
 * Source: Xie et al., "SegFormer" (NeurIPS 2021), https://arxiv.org/abs/2105.15203.
 *
 * @param name Prefix of the parameters, "decode_head" in whole networks.
 * @param widths Channels of the encoder's maps, from fine to coarse.
 * @param unusedWidth Input channels of the unused classifier `conv_seg` of the files.
 */
export function segformerHead(
  name: string,
  widths: readonly number[],
  { classes, channels, dropout: rate }: SegformerHeadOptions,
  unusedWidth: number = UNUSED_WIDTH,
): Decoder {
  const embeds = widths.map((width, i) =>
    linear(`${name}.linear_c.${i}.proj`, width, channels, "pytorch")
  );
  const fuse = convModule(`${name}.linear_fuse`, channels * widths.length, channels, {
    kernel: 1,
  });
  const classify = convolution(`${name}.linear_pred`, channels, classes, {
    kernel: 1,
    start: "pytorch",
  });
  const unused = [
    parameter(`${name}.conv_seg.weight`, [1, 1, unusedWidth, classes], "convolution", {
      kind: "normal",
      deviation: 0.01,
    }),
    parameter(`${name}.conv_seg.bias`, [classes], "plain", {
      kind: "constant",
      value: 0,
    }),
  ];
  return {
    parameters: [...unused, ...parametersOf(...embeds, fuse, classify)],
    apply(weights, maps, pass) {
      const [finest] = maps;
      if (finest === undefined || maps.length !== widths.length) {
        throw new RangeError(
          `Cannot decode ${maps.length} maps: the head was built for ${widths.length}`,
        );
      }
      const [, H, W] = finest.shape;
      const levels = embeds.map((embed, i) =>
        resizeBilinear(embed.apply(weights, maps[i] ?? finest, pass), [H, W])
      ); // [B, H, W, channels] each
      const fused = fuse.apply(weights, tf.concat(levels, 3), pass);
      const kept = dropout(name, fused, rate, "channel", pass);
      return classify.apply(weights, kept, pass); // [B, H, W, classes]
    },
  };
}
