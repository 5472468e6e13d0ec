/**
 * The decoder of DeepLabV3+: atrous spatial pyramid pooling on the coarsest map, then 3×3
 * convolutions on the upsampled result and the finest map.
 *
 * Source: Chen et al., "Encoder-Decoder with Atrous Separable Convolution" (ECCV 2018),
 * https://arxiv.org/abs/1802.02611.
 *
 * @module
 */
import type { Decoder, ForwardContext, Layer, Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { aspp } from "../layers/aspp.ts";
import { classifier } from "../layers/classifier.ts";
import { convModule, convNormRelu, separableConvModule } from "../layers/conv_module.ts";
import { convolution } from "../layers/convolution.ts";
import { parametersOf } from "../layers/parameter.ts";
import { concatBranches, withPooling } from "../layers/pyramid_pooling.ts";
import { pipe, sequential } from "../layers/sequential.ts";
import { resizeBilinear } from "../ops/resize/resize.ts";
import { featureMapAt, type HeadOptions } from "./feature_map.ts";

/** The shape of a DeepLabV3+ head. */
export interface DeeplabV3PlusHeadOptions extends HeadOptions {
  /** Channels to which the finest map is reduced; published are 48. */
  readonly lowLevelChannels: number;
  /** Of the branches, in pixels of the coarsest map; 1 means a 1×1 branch. */
  readonly dilations: readonly number[];
}

/**
 * Builds the head of mmsegmentation, whose 3×3 convolutions are depthwise separable.
 *
 * @param name Prefix of the parameters, "decode_head" in whole networks.
 */
export function deeplabV3PlusHead(
  name: string,
  inChannels: readonly number[],
  { classes, channels, lowLevelChannels, dilations, dropout }: DeeplabV3PlusHeadOptions,
): Decoder {
  const pyramid = aspp(name, inChannels.at(-1) ?? 0, channels, {
    dilations,
    separable: true,
    imagePool: true,
  });
  const reduce = convModule(
    `${name}.c1_bottleneck`,
    inChannels[0] ?? 0,
    lowLevelChannels,
    1,
  );
  const refine = pipe(
    separableConvModule(
      `${name}.sep_bottleneck.0`,
      channels + lowLevelChannels,
      channels,
      1,
    ),
    separableConvModule(`${name}.sep_bottleneck.1`, channels, channels, 1),
  );
  const classify = classifier(name, channels, classes, dropout);
  return {
    parameters: parametersOf(classify, pyramid, reduce, refine),
    apply(weights, maps, context) {
      const finest = featureMapAt(maps, inChannels, 0);
      const [, H, W] = finest.shape;
      const coarse = pyramid.apply(weights, featureMapAt(maps, inChannels, -1), context);
      const upsampled = resizeBilinear(coarse, [H, W]);
      const reduced = reduce.apply(weights, finest, context);
      const x = tf.concat([upsampled, reduced], 3); // [B, H, W, channels + lowLevelChannels]
      return classify.apply(weights, refine.apply(weights, x, context), context); // [B, H, W, classes]
    },
  };
}

/** The shape of the head of the semi-supervised networks; published are 256 channels. */
export interface SemiDeeplabV3PlusHeadOptions extends HeadOptions {
  /** Channels of each branch of the pyramid; published are 256. */
  readonly innerPlanes: number;
  /** Of the 3×3 branches, in pixels of the coarsest map; published are 12, 24, 36. */
  readonly dilations: readonly number[];
  /**
   * Whether there is the branch of the representation.
   * @default {true}
   */
  readonly representationHead?: boolean;
}

/**
 * Builds the head of the semi-supervised networks, with plain convolutions, image pooling,
 * and, unless it is left out, a second branch for the representation that a contrastive
 * loss compares. `apply` runs the branch of the logits alone and leaves the running
 * statistics of the other unchanged.
 *
 * Source: Wang et al., "Using Unreliable Pseudo-Labels" (CVPR 2022),
 * https://arxiv.org/abs/2203.03884.
 *
 * @param name Prefix of the parameters, "decoder" in whole networks.
 * @param options Dropout comes after the pyramid and twice before the logits.
 */
export function semiDeeplabV3PlusHead(
  name: string,
  inChannels: readonly number[],
  {
    classes,
    channels,
    innerPlanes,
    dilations,
    representationHead = true,
    dropout,
  }: SemiDeeplabV3PlusHeadOptions,
): Decoder {
  const init = "pytorch";
  const reduce = convNormRelu(
    [`${name}.low_conv.0`, `${name}.low_conv.1`],
    inChannels[0] ?? 0,
    channels,
    { kernelSize: 1, bias: true, init },
  );
  const branch = (conv: number, index: number, kernelSize: number, dilation: number) => {
    const layer = `${name}.aspp.conv${conv}`;
    return convNormRelu(
      [`${layer}.${index}`, `${layer}.${index + 1}`],
      inChannels.at(-1) ?? 0,
      innerPlanes,
      { kernelSize, dilation, init },
    );
  };
  const branches = [
    withPooling(1, branch(1, 1, 1, 1)), // its pooling has index 0
    branch(2, 0, 1, 1),
    ...dilations.map((dilation, i) => branch(i + 3, 0, 3, dilation)),
  ];
  const fuse = convNormRelu(
    [`${name}.head.0`, `${name}.head.1`],
    branches.length * innerPlanes,
    channels,
    { kernelSize: 3, init, dropout },
  );
  const pyramid = concatBranches(branches, fuse);
  // Two 3×3 convolutions with dropout and one of 1×1; the names count activations, too.
  const pixelHead = (name: string, outChannels: number): Layer =>
    sequential([
      ...[[0, 2 * channels], [4, channels]].map(([i = 0, inChannels = 0]) =>
        convNormRelu([`${name}.${i}`, `${name}.${i + 1}`], inChannels, channels, {
          kernelSize: 3,
          bias: true,
          init,
          dropout,
        })
      ),
      convolution(`${name}.8`, channels, outChannels, { kernelSize: 1, init }),
    ]);
  const classify = pixelHead(`${name}.classifier`, classes);
  const represent = representationHead
    ? pixelHead(`${name}.representation`, channels)
    : null;

  const fusedFeatures = (
    weights: Weights,
    maps: tf.Tensor4D[],
    context: ForwardContext,
  ): tf.Tensor4D => {
    const finest = featureMapAt(maps, inChannels, 0);
    const [, H, W] = finest.shape;
    const reduced = reduce.apply(weights, finest, context);
    const coarse = pyramid.apply(weights, featureMapAt(maps, inChannels, -1), context);
    const upsampled = resizeBilinear(coarse, [H, W], { alignCorners: true });
    return tf.concat([reduced, upsampled], 3); // [B, H, W, 2·channels]
  };
  const decoder: Decoder = {
    alignCorners: true,
    parameters: parametersOf(reduce, pyramid, classify),
    apply: (weights, maps, context) =>
      classify.apply(weights, fusedFeatures(weights, maps, context), context), // [B, H, W, classes]
  };
  if (represent === null) return decoder;
  return {
    ...decoder,
    parameters: parametersOf(decoder, represent),
    representationChannels: channels,
    applyWithRepresentation(weights, maps, context) {
      const x = fusedFeatures(weights, maps, context);
      return {
        logits: classify.apply(weights, x, context), // [B, H, W, classes]
        representation: represent.apply(weights, x, context), // [B, H, W, channels]
      };
    },
  };
}
