/**
 * The decoder of DAFormer: all levels embedded, upsampled to the finest size, and fused.
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
import { pipe } from "../layers/sequential.ts";
import { resizeBilinear } from "../ops/resize/resize.ts";
import { featureMapAt, type HeadOptions } from "./feature_map.ts";

/** How the levels are fused. */
export type DaformerFusion = "conv1" | "aspp" | "separable-aspp" | "bottleneck" | "isa";

/** The shape of a DAFormer head. */
export interface DaformerHeadOptions extends HeadOptions {
  readonly fusion: DaformerFusion;
  /** Of the branches of ASPP, in pixels of the finest map. */
  readonly dilations: readonly number[];
  /**
   * Whether the mean of the map is a branch of ASPP, too; published networks have none.
   * @default {false}
   */
  readonly imagePool?: boolean;
}

// Side of the cells of the interlaced attention, in pixels of the finest map.
const ISA_CELL = 8;

/**
 * Builds the head.
 *
 * With "bottleneck", ASPP gets the coarsest level alone, upsampled to the finest size, and
 * a 1×1 convolution fuses; otherwise the fusion gets all levels.
 *
 * @param name Prefix of the parameters, "decode_head" in whole networks.
 */
export function daformerHead(
  name: string,
  inChannels: readonly number[],
  options: DaformerHeadOptions,
): Decoder {
  const { classes, channels, fusion, dropout } = options;
  const embeds = inChannels.map((levelChannels, i) => {
    const layerName = `${name}.embed_layers.${i}`;
    return fusion === "bottleneck" && i === inChannels.length - 1
      ? asppEmbed(layerName, levelChannels, options)
      : linear(`${layerName}.proj`, levelChannels, channels, "pytorch");
  });
  const fuse = fusionLayer(`${name}.fuse_layer`, channels * inChannels.length, options);
  const classify = classifier(name, channels, classes, dropout);
  return {
    parameters: parametersOf(classify, ...embeds, fuse),
    apply(weights, maps, context) {
      const [, H, W] = featureMapAt(maps, inChannels, 0).shape;
      const levels = embeds.map((embed, i) => {
        const map = featureMapAt(maps, inChannels, i);
        // ASPP works at the finest size, the other embeddings are upsampled after.
        const resizeFirst = fusion === "bottleneck" && i === embeds.length - 1;
        const input = resizeFirst ? resizeBilinear(map, [H, W]) : map;
        return resizeBilinear(embed.apply(weights, input, context), [H, W]); // [B, H, W, channels]
      });
      const fused = fuse.apply(weights, tf.concat(levels, 3), context);
      return classify.apply(weights, fused, context); // [B, H, W, classes]
    },
  };
}

function fusionLayer(
  name: string,
  inChannels: number,
  { fusion, channels, dilations, imagePool = false }: DaformerHeadOptions,
): Layer {
  switch (fusion) {
    case "conv1":
    case "bottleneck":
      return convModule(name, inChannels, channels, 1);
    case "aspp":
      return aspp(name, inChannels, channels, { dilations, separable: false, imagePool });
    case "separable-aspp":
      return aspp(name, inChannels, channels, { dilations, separable: true, imagePool });
    case "isa":
      return isaFusion(name, inChannels, channels);
  }
}

// Without the residual and the output convolution that ISANet's own head has.
function isaFusion(name: string, inChannels: number, channels: number): Layer {
  return pipe(
    convModule(`${name}.in_conv`, inChannels, channels, 1),
    interlacedAttention(name, channels, {
      keyChannels: channels,
      keyQueryConvs: 1,
      cell: ISA_CELL,
    }),
  );
}

function asppEmbed(
  name: string,
  inChannels: number,
  { channels, dilations, imagePool = false }: DaformerHeadOptions,
): Layer {
  return pipe(
    convolution(`${name}.0`, inChannels, channels, { kernelSize: 1, init: "pytorch" }),
    aspp(`${name}.1`, channels, channels, { dilations, separable: true, imagePool }),
  );
}
