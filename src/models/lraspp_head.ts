import type { Decoder } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { convNormRelu } from "../layers/conv_module.ts";
import { convolution } from "../layers/convolution.ts";
import { parametersOf } from "../layers/parameter.ts";
import { adaptiveAveragePool } from "../ops/pool/average_pool.ts";
import { resizeBilinear } from "../ops/resize/resize.ts";
import { featureMapAt, type HeadOptions } from "./feature_map.ts";

/** The shape of an LR-ASPP head. */
export interface LrasppHeadOptions extends Omit<HeadOptions, "dropout"> {
  /** The fine map that it sees, counted from 0 for the finest; published has stride 8. */
  readonly lowIndex: number;
}

/**
 * The light decoder of MobileNetV3, "lite reduced ASPP", as torchvision has it: the coarsest
 * map, its channels weighted by the sigmoid of their means, and a finer map are classified
 * and added up, at the resolution of the finer one.
 *
 * Source: Howard et al., "Searching for MobileNetV3" (ICCV 2019),
 * https://arxiv.org/abs/1905.02244.
 *
 * @param name Prefix of the parameters, "decode_head" in whole networks.
 * @param options Published are 128 channels.
 * @throws {RangeError} If the encoder has no such map, or none that is coarser.
 */
export function lrasppHead(
  name: string,
  inChannels: readonly number[],
  { classes, channels, lowIndex }: LrasppHeadOptions,
): Decoder {
  const coarsest = inChannels.length - 1;
  if (!(lowIndex >= 0 && lowIndex < coarsest)) {
    throw new RangeError(
      `Cannot build an LR-ASPP head on map ${lowIndex}: the encoder has maps 0 … ` +
        `${coarsest}; set "lowIndex" to one of them but the last`,
    );
  }
  const [low = 0, high = 0] = [inChannels[lowIndex], inChannels[coarsest]];
  const pointwise = { kernelSize: 1, init: "pytorch" } as const;
  const embed = convNormRelu(
    [`${name}.cbr.0`, `${name}.cbr.1`],
    high,
    channels,
    pointwise,
  );
  const weigh = convolution(`${name}.scale.1`, high, channels, {
    ...pointwise,
    bias: false,
  });
  const classifyLow = convolution(`${name}.low_classifier`, low, classes, pointwise);
  const classifyHigh = convolution(
    `${name}.high_classifier`,
    channels,
    classes,
    pointwise,
  );
  return {
    parameters: parametersOf(embed, weigh, classifyLow, classifyHigh),
    apply(weights, maps, context) {
      const fine = featureMapAt(maps, inChannels, lowIndex);
      const coarse = featureMapAt(maps, inChannels, -1);
      const [, H, W] = fine.shape;
      const means = adaptiveAveragePool(coarse, [1, 1]);
      const share = tf.sigmoid(weigh.apply(weights, means, context)); // [B, 1, 1, channels]
      const weighted = tf.mul<tf.Tensor4D>(embed.apply(weights, coarse, context), share);
      const upsampled = resizeBilinear(weighted, [H, W]); // [B, H, W, channels]
      return tf.add(
        classifyLow.apply(weights, fine, context),
        classifyHigh.apply(weights, upsampled, context),
      ); // [B, H, W, classes]
    },
  };
}
