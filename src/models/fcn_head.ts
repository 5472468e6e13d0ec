/** The small heads that are trained along with a decoder (deep supervision). @module */
import type { Decoder } from "../core/network.ts";
import { classifier } from "../layers/classifier.ts";
import { convModule, convNormRelu } from "../layers/conv_module.ts";
import { convolution } from "../layers/convolution.ts";
import { pipe, sequential } from "../layers/sequential.ts";
import { type HeadOptions, singleMapDecoder } from "./feature_map.ts";

/** The shape of an FCN head. */
export interface FcnHeadOptions extends HeadOptions {
  /** The map it gets, counted from 0 for the finest. */
  readonly inIndex: number;
  /** How many 3×3 convolutions there are, at least 1. */
  readonly convolutions: number;
}

/**
 * Builds the FCN head of mmsegmentation without `concat_input`: 3×3 convolutions of one
 * map, then the classifier, at the resolution of that map.
 *
 * Source: Long et al., "Fully Convolutional Networks" (CVPR 2015),
 * https://arxiv.org/abs/1411.4038.
 *
 * @param name Prefix of the parameters, "auxiliary_head" in whole networks.
 * @throws {RangeError} If the encoder has no such map, or there is no convolution.
 */
export function fcnHead(
  name: string,
  inChannels: readonly number[],
  { classes, inIndex, channels, convolutions, dropout }: FcnHeadOptions,
): Decoder {
  const mapChannels = inChannels[inIndex];
  if (mapChannels === undefined) {
    throw new RangeError(
      `Cannot build an FCN head on map ${inIndex}: the encoder has maps 0 … ` +
        `${inChannels.length - 1}; set "inIndex" to one of them`,
    );
  }
  if (convolutions < 1) {
    throw new RangeError(
      `Cannot build an FCN head: "convolutions" must be at least 1: received ${convolutions}`,
    );
  }
  const layers = pipe(
    ...Array.from(
      { length: convolutions },
      (_, i) =>
        convModule(`${name}.convs.${i}`, i === 0 ? mapChannels : channels, channels, 3),
    ),
  );
  const classify = classifier(name, channels, classes, dropout);
  return singleMapDecoder(inChannels, inIndex, layers, classify);
}

// The map of the third stage.
const LEVEL = -2;

/**
 * Builds the auxiliary head of the semi-supervised networks: a 3×3 convolution and a
 * classifier on the map of the third stage.
 *
 * Source: Zhao et al., "Pyramid Scene Parsing Network" (CVPR 2017),
 * https://arxiv.org/abs/1612.01105, section 3.3; names of the parameters as in U2PL,
 * https://arxiv.org/abs/2203.03884.
 *
 * @param name Parameters are `<name>.{0,1,4}.*`, "auxor.aux" in whole networks.
 * @param inChannels Channels of the encoder's maps, from fine to coarse; the last map but
 * one is used.
 * @param options Published are 256 channels.
 */
export function semiFcnHead(
  name: string,
  inChannels: readonly number[],
  { classes, channels, dropout }: HeadOptions,
): Decoder {
  const layers = sequential([
    convNormRelu([`${name}.0`, `${name}.1`], inChannels.at(LEVEL) ?? 0, channels, {
      kernelSize: 3,
      bias: true,
      init: "pytorch",
      dropout,
    }),
    convolution(`${name}.4`, channels, classes, { kernelSize: 1, init: "pytorch" }),
  ]);
  return { ...singleMapDecoder(inChannels, LEVEL, layers), alignCorners: true };
}
