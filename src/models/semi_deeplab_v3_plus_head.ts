import type { Decoder, Layer, Pass, Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { chain } from "../layers/chain.ts";
import { convNormRelu } from "../layers/conv_norm_relu.ts";
import { convolution } from "../layers/convolution.ts";
import { parametersOf } from "../layers/parameter.ts";
import { onGrid } from "../layers/pooled_context.ts";
import { resizeBilinear } from "../ops/resize_bilinear.ts";
import { coarsestOf } from "./coarsest_map.ts";

/** The shape of the DeepLabV3+ head of the semi-supervised networks. */
export interface SemiDeeplabV3PlusHeadOptions {
  readonly classes: number;
  /** Width of the fine map, of the fused map and of the representation; published are 256. */
  readonly channels: number;
  /** Width of each branch of the pyramid; published are 256. */
  readonly inner: number;
  /** Of the 3×3 branches, in pixels of the coarsest map; published are 12, 24, 36. */
  readonly dilations: readonly number[];
  /** Share of channels dropped, after the pyramid and twice on the way to the logits. */
  readonly dropout: number;
}

/** A decoder that also places every pixel in a space where classes lie apart. */
export interface RepresentingDecoder extends Decoder {
  readonly representationChannels: number;
  /**
   * Runs both branches; `apply` runs that of the logits alone and leaves the running
   * statistics of the other as they are.
   *
   * @returns The logits and, at their size, the representation. [B, H, W, channels]
   */
  applyWithRepresentation(
    weights: Weights,
    maps: tf.Tensor4D[],
    pass: Pass,
  ): { readonly logits: tf.Tensor4D; readonly representation: tf.Tensor4D };
}

/**
 * The DeepLabV3+ decoder of the semi-supervised networks: an atrous pyramid with image
 * pooling on the coarsest map, then plain 3×3 convolutions beside the finest map, once
 * for the logits and once for the representation that a contrastive loss compares.
 *
 * Sources: Chen et al., "Encoder-Decoder with Atrous Separable Convolution" (ECCV 2018),
 * https://arxiv.org/abs/1802.02611; Wang et al., "Using Unreliable Pseudo-Labels" (CVPR
 * 2022), https://arxiv.org/abs/2203.03884.
 *
 * @param name Prefix of the parameters, "decoder" in whole networks.
 * @param widths Channels of the encoder's maps, from fine to coarse.
 */
export function semiDeeplabV3PlusHead(
  name: string,
  widths: readonly number[],
  { classes, channels, inner, dilations, dropout }: SemiDeeplabV3PlusHeadOptions,
): RepresentingDecoder {
  const width = widths.at(-1) ?? 0;
  const reduce = convNormRelu(
    [`${name}.low_conv.0`, `${name}.low_conv.1`],
    widths[0] ?? 0,
    channels,
    { kernel: 1, bias: true, start: "pytorch" },
  );
  const branch = (number: number, first: number, kernel: number, dilation: number) => {
    const layer = `${name}.aspp.conv${number}`;
    const names = [`${layer}.${first}`, `${layer}.${first + 1}`] as const;
    return convNormRelu(names, width, inner, { kernel, dilation, start: "pytorch" });
  };
  const pyramid = [
    onGrid(1, branch(1, 1, 1, 1)), // its pooling has number 0
    branch(2, 0, 1, 1),
    ...dilations.map((dilation, i) => branch(i + 3, 0, 3, dilation)),
  ];
  const fuse = convNormRelu(
    [`${name}.head.0`, `${name}.head.1`],
    pyramid.length * inner,
    channels,
    { kernel: 3, start: "pytorch", dropout },
  );
  const classify = tower(`${name}.classifier`, channels, classes, dropout);
  const represent = tower(`${name}.representation`, channels, channels, dropout);

  const sharedPart = (weights: Weights, maps: tf.Tensor4D[], pass: Pass): tf.Tensor4D => {
    const x = coarsestOf(maps, widths);
    const finest = maps[0] ?? x;
    const [, H, W] = finest.shape;
    const detail = reduce.apply(weights, finest, pass);
    const seen = pyramid.map((layer) => layer.apply(weights, x, pass));
    const fused = fuse.apply(weights, tf.concat(seen, 3), pass);
    const context = resizeBilinear(fused, [H, W], { alignCorners: true });
    return tf.concat([detail, context], 3); // [B, H, W, 2·channels]
  };
  return {
    alignCorners: true,
    representationChannels: channels,
    parameters: parametersOf(reduce, ...pyramid, fuse, classify, represent),
    apply: (weights, maps, pass) =>
      classify.apply(weights, sharedPart(weights, maps, pass), pass), // [B, H, W, classes]
    applyWithRepresentation(weights, maps, pass) {
      const x = sharedPart(weights, maps, pass);
      return {
        logits: classify.apply(weights, x, pass), // [B, H, W, classes]
        representation: represent.apply(weights, x, pass), // [B, H, W, channels]
      };
    },
  };
}

// Two 3×3 convolutions with dropout and one of 1×1; the names count activations too.
function tower(name: string, channels: number, outputs: number, dropout: number): Layer {
  return chain([
    ...[[0, 2 * channels], [4, channels]].map(([i = 0, inputs = 0]) =>
      convNormRelu([`${name}.${i}`, `${name}.${i + 1}`], inputs, channels, {
        kernel: 3,
        bias: true,
        start: "pytorch",
        dropout,
      })
    ),
    convolution(`${name}.8`, channels, outputs, { kernel: 1, start: "pytorch" }),
  ]);
}
