import type { Decoder } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { classifier } from "../layers/classifier.ts";
import { convModule } from "../layers/conv_module.ts";
import { parametersOf } from "../layers/parameter.ts";
import { pyramidPooling } from "../layers/pyramid_pooling.ts";
import { resizeBilinear } from "../ops/resize/resize.ts";
import { featureMapAt } from "./feature_map.ts";
import type { PspHeadOptions } from "./psp_head.ts";

/**
 * The decoder of UPerNet: pyramid pooling of the coarsest map, added to the finer maps
 * level by level, then all levels fused at the finest size.
 *
 * Source: Xiao et al., "Unified Perceptual Parsing" (ECCV 2018),
 * https://arxiv.org/abs/1807.10221; as mmsegmentation's `UPerHead`.
 *
 * @param name Prefix of the parameters, "decode_head" in whole networks.
 * @param options `channels` are those of each level and of the fused map.
 */
export function upernetHead(
  name: string,
  inChannels: readonly number[],
  { classes, channels, poolScales, dropout }: PspHeadOptions,
): Decoder {
  const finerChannels = inChannels.slice(0, -1);
  const pyramid = pyramidPooling(name, inChannels.at(-1) ?? 0, channels, poolScales);
  const conv = (layer: string, inChannels: number, kernelSize: number) =>
    convModule(`${name}.${layer}`, inChannels, channels, kernelSize);
  const lateralConvs = finerChannels.map((levelChannels, i) =>
    conv(`lateral_convs.${i}`, levelChannels, 1)
  );
  const fpnConvs = finerChannels.map((_, i) => conv(`fpn_convs.${i}`, channels, 3));
  const fpnBottleneck = conv("fpn_bottleneck", inChannels.length * channels, 3);
  const classify = classifier(name, channels, classes, dropout);
  return {
    parameters: parametersOf(
      classify,
      pyramid,
      ...lateralConvs,
      ...fpnConvs,
      fpnBottleneck,
    ),
    apply(weights, maps, context) {
      const x = featureMapAt(maps, inChannels, -1);
      let topDown = pyramid.apply(weights, x, context);
      const levels = [topDown];
      for (let i = finerChannels.length - 1; i >= 0; i--) {
        const map = lateralConvs[i]?.apply(weights, maps[i] ?? x, context) ?? topDown;
        const [, H, W] = map.shape;
        topDown = tf.add(map, resizeBilinear(topDown, [H, W]));
        levels.unshift(fpnConvs[i]?.apply(weights, topDown, context) ?? topDown);
      }
      const [, H, W] = topDown.shape;
      const resizedLevels = levels.map((level) => resizeBilinear(level, [H, W]));
      const fused = fpnBottleneck.apply(weights, tf.concat(resizedLevels, 3), context);
      return classify.apply(weights, fused, context); // [B, H, W, classes]
    },
  };
}
