/**
 * The decoder of DAFormer: all levels embedded, brought to the finest size, and fused.
 *
 * Source: Hoyer et al., "DAFormer" (CVPR 2022), https://arxiv.org/abs/2111.14887.
 *
 * @module
 */
import type { Decoder, Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { aspp } from "../layers/aspp.ts";
import { classifier } from "../layers/classifier.ts";
import { convModule } from "../layers/conv_module.ts";
import { convolution } from "../layers/convolution.ts";
import { interlacedAttention } from "../layers/interlaced_attention.ts";
import { linear } from "../layers/linear.ts";
import { parametersOf } from "../layers/parameter.ts";
import { resizeBilinear } from "../ops/resize_bilinear.ts";

/** How the levels are fused. */
export type Fusion = "conv1" | "aspp" | "separable-aspp" | "bottleneck" | "isa";

/** The shape of a DAFormer head. */
export interface DaformerHeadOptions {
  readonly classes: number;
  /** Width of each embedding and of the fused map. */
  readonly channels: number;
  readonly fusion: Fusion;
  /** Of the pyramid's branches, in pixels of the finest map. */
  readonly dilations: readonly number[];
  /** Share of channels dropped before the classifier. */
  readonly dropout: number;
}

// Side of the cells of the interlaced attention, in pixels of the finest map.
const CELL = 8;

/**
 * Builds the head.
 *
 * With "bottleneck" the pyramid sees the coarsest level alone, brought to the finest
 * size, and a 1×1 convolution fuses; otherwise the fusion sees all levels.
 *
 * @param name Prefix of the parameters, "decode_head" in whole networks.
 * @param widths Channels of the encoder's maps, from fine to coarse.
 */
export function daformerHead(
  name: string,
  widths: readonly number[],
  options: DaformerHeadOptions,
): Decoder {
  const { classes, channels, fusion, dilations, dropout } = options;
  const embeds = widths.map((width, i) => {
    const at = `${name}.embed_layers.${i}`;
    return fusion === "bottleneck" && i === widths.length - 1
      ? deepEmbed(at, width, channels, dilations)
      : linear(`${at}.proj`, width, channels, "pytorch");
  });
  const fuse = fusionLayer(`${name}.fuse_layer`, channels * widths.length, options);
  const classify = classifier(name, channels, classes, dropout);
  return {
    parameters: parametersOf(classify, ...embeds, fuse),
    apply(weights, maps, pass) {
      const [, H, W] = (maps[0] ?? tf.zeros<tf.Rank.R4>([1, 1, 1, 1])).shape;
      const levels = embeds.map((embed, i) => {
        const map = maps[i];
        if (map === undefined) {
          throw new RangeError(
            `Cannot decode ${maps.length} maps: the head was built for ${widths.length}`,
          );
        }
        // The deep embedding works at the finest size, the others are enlarged after.
        const early = fusion === "bottleneck" && i === embeds.length - 1;
        const input = early ? resizeBilinear(map, [H, W]) : map;
        return resizeBilinear(embed.apply(weights, input, pass), [H, W]); // [B, H, W, channels]
      });
      const fused = fuse.apply(weights, tf.concat(levels, 3), pass);
      return classify.apply(weights, fused, pass); // [B, H, W, classes]
    },
  };
}

function fusionLayer(
  name: string,
  inputs: number,
  { fusion, channels, dilations }: DaformerHeadOptions,
): Layer {
  switch (fusion) {
    case "conv1":
    case "bottleneck":
      return convModule(name, inputs, channels, { kernel: 1 });
    case "aspp":
      return aspp(name, inputs, channels, { dilations, separable: false });
    case "separable-aspp":
      return aspp(name, inputs, channels, { dilations, separable: true });
    case "isa":
      return interlacedFusion(name, inputs, channels);
  }
}

// Without the residual and the output convolution that ISANet's own head has.
function interlacedFusion(name: string, inputs: number, channels: number): Layer {
  const enter = convModule(`${name}.in_conv`, inputs, channels, { kernel: 1 });
  const relate = interlacedAttention(name, channels, {
    reduced: channels,
    projections: 1,
    cell: CELL,
  });
  return {
    parameters: parametersOf(enter, relate),
    apply: (weights, x, pass) =>
      relate.apply(weights, enter.apply(weights, x, pass), pass),
  };
}

function deepEmbed(
  name: string,
  inputs: number,
  channels: number,
  dilations: readonly number[],
): Layer {
  const project = convolution(`${name}.0`, inputs, channels, {
    kernel: 1,
    start: "pytorch",
  });
  const pyramid = aspp(`${name}.1`, channels, channels, { dilations, separable: true });
  return {
    parameters: parametersOf(project, pyramid),
    apply: (weights, x, pass) =>
      pyramid.apply(weights, project.apply(weights, x, pass), pass),
  };
}
