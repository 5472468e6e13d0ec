import type { Decoder } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { classifier } from "../layers/classifier.ts";
import { convModule, separableConvModule } from "../layers/conv_module.ts";
import { parametersOf } from "../layers/parameter.ts";
import { pooledContext } from "../layers/pooled_context.ts";
import { resizeBilinear } from "../ops/resize_bilinear.ts";
import { coarsestOf } from "./coarsest_map.ts";

/** The shape of a DeepLabV3+ head. */
export interface DeeplabV3PlusHeadOptions {
  readonly classes: number;
  /** Width of each branch and of the fused maps. */
  readonly channels: number;
  /** Width to which the finest map is reduced; published is 48. */
  readonly fineChannels: number;
  /** Of the branches, in pixels of the coarsest map; 1 means a 1×1 branch. */
  readonly dilations: readonly number[];
  /** Share of channels dropped before the classifier. */
  readonly dropout: number;
}

/**
 * The decoder of DeepLabV3+: a separable atrous pyramid with image pooling on the
 * coarsest map, then two separable convolutions beside the finest map.
 *
 * Source: Chen et al., "Encoder-Decoder with Atrous Separable Convolution" (ECCV 2018),
 * https://arxiv.org/abs/1802.02611.
 *
 * @param name Prefix of the parameters, "decode_head" in whole networks.
 * @param widths Channels of the encoder's maps, from fine to coarse.
 */
export function deeplabV3PlusHead(
  name: string,
  widths: readonly number[],
  { classes, channels, fineChannels, dilations, dropout }: DeeplabV3PlusHeadOptions,
): Decoder {
  const width = widths.at(-1) ?? 0;
  const pool = pooledContext(`${name}.image_pool`, width, channels, 1);
  const branches = dilations.map((dilation, i) => {
    const branch = `${name}.aspp_modules.${i}`;
    return dilation === 1
      ? convModule(branch, width, channels, { kernel: 1 })
      : separableConvModule(branch, width, channels, { dilation });
  });
  const pyramid = [pool, ...branches];
  const fuse = convModule(`${name}.bottleneck`, pyramid.length * channels, channels, {
    kernel: 3,
  });
  const reduce = convModule(`${name}.c1_bottleneck`, widths[0] ?? 0, fineChannels, {
    kernel: 1,
  });
  const refine = [channels + fineChannels, channels].map((inputs, i) =>
    separableConvModule(`${name}.sep_bottleneck.${i}`, inputs, channels, { dilation: 1 })
  );
  const classify = classifier(name, channels, classes, dropout);
  return {
    parameters: parametersOf(classify, ...pyramid, fuse, reduce, ...refine),
    apply(weights, maps, pass) {
      const x = coarsestOf(maps, widths);
      const finest = maps[0] ?? x;
      const [, H, W] = finest.shape;
      const seen = pyramid.map((branch) => branch.apply(weights, x, pass));
      const fused = fuse.apply(weights, tf.concat(seen, 3), pass);
      const context = resizeBilinear(fused, [H, W]);
      const detail = reduce.apply(weights, finest, pass);
      const both = tf.concat([context, detail], 3); // [B, H, W, channels + fineChannels]
      const refined = refine.reduce(
        (map, layer) => layer.apply(weights, map, pass),
        both,
      );
      return classify.apply(weights, refined, pass); // [B, H, W, classes]
    },
  };
}
