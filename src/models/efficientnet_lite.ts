/**
 * EfficientNet-Lite: the EfficientNets without squeeze-and-excitation and with ReLU6, for
 * phones and browsers.
 *
 * Sources: Tan and Le, "EfficientNet" (ICML 2019), https://arxiv.org/abs/1905.11946;
 * https://github.com/tensorflow/tpu, `models/official/efficientnet/lite`. Names of the
 * parameters are those of https://github.com/ml-illustrated/EfficientNet-Lite-PyTorch.
 *
 * @module
 */
import type { Encoder, Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { convolution, depthwiseConvolution } from "../layers/convolution.ts";
import { dropout } from "../layers/dropout.ts";
import { withImageFilter } from "../layers/image_filter.ts";
import { batchNorm } from "../layers/normalization.ts";
import { parametersOf } from "../layers/parameter.ts";
import { pipe, sequential, withoutParameters } from "../layers/sequential.ts";
import { relu6 } from "../ops/relu/relu6.ts";

/** The shape of an EfficientNet-Lite. */
export interface EfficientnetLiteOptions {
  /** What all channels but those of the stem are multiplied with, then made multiples of 8. */
  readonly widthCoefficient: number;
  /** What the blocks of all stages but the first and the last are multiplied with. */
  readonly depthCoefficient: number;
  /** The probability that an image skips a block: this times its number, by that of all. */
  readonly dropPathRate: number;
  /**
   * Channels of the images.
   * @default {3}
   */
  readonly imageChannels?: number;
}

/** The published shapes. */
export const EFFICIENTNET_LITE_PRESETS = {
  "efficientnet-lite0": { widthCoefficient: 1, depthCoefficient: 1 },
  "efficientnet-lite1": { widthCoefficient: 1, depthCoefficient: 1.1 },
  "efficientnet-lite2": { widthCoefficient: 1.1, depthCoefficient: 1.2 },
} as const satisfies Record<string, Omit<EfficientnetLiteOptions, "dropPathRate">>;

const STEM_CHANNELS = 32;

/** Of Lite0; the stride is that of a stage's first block. */
const STAGES = [
  { blocks: 1, kernelSize: 3, stride: 1, expansion: 1, channels: 16 },
  { blocks: 2, kernelSize: 3, stride: 2, expansion: 6, channels: 24 },
  { blocks: 2, kernelSize: 5, stride: 2, expansion: 6, channels: 40 },
  { blocks: 3, kernelSize: 3, stride: 2, expansion: 6, channels: 80 },
  { blocks: 3, kernelSize: 5, stride: 1, expansion: 6, channels: 112 },
  { blocks: 4, kernelSize: 5, stride: 2, expansion: 6, channels: 192 },
  { blocks: 1, kernelSize: 3, stride: 1, expansion: 6, channels: 320 },
] as const;

/** The stages that end with a map: the last ones of their stride. */
const MAP_STAGES = [1, 2, 4, 6] as const;

/**
 * Builds an EfficientNet-Lite; its maps have strides 4, 8, 16 and 32, rounded up.
 *
 * @param name Prefix of the parameters, "backbone" in whole networks.
 */
export function efficientnetLite(
  name: string,
  { widthCoefficient, depthCoefficient, dropPathRate, imageChannels = 3 }:
    EfficientnetLiteOptions,
): Encoder {
  const widths = STAGES.map(({ channels }) => scaledChannels(channels, widthCoefficient));
  const depths = STAGES.map(({ blocks }, s) =>
    s === 0 || s === STAGES.length - 1 ? blocks : Math.ceil(blocks * depthCoefficient)
  );
  const blockCount = depths.reduce((sum, depth) => sum + depth, 0);
  let before = 0;
  const stages = STAGES.map(({ stride, ...shape }, s): readonly Layer[] => {
    const outChannels = widths[s] ?? STEM_CHANNELS;
    return Array.from({ length: depths[s] ?? 1 }, (_, k) => {
      const block = before++;
      return invertedResidual(`${name}._blocks.${block}`, {
        ...shape,
        inChannels: k === 0 ? widths[s - 1] ?? STEM_CHANNELS : outChannels,
        outChannels,
        stride: k === 0 ? stride : 1,
        dropPathRate: dropPathRate * block / blockCount,
      });
    });
  });
  const filter = convolution(`${name}._conv_stem`, imageChannels, STEM_CHANNELS, {
    kernelSize: 3,
    stride: 2,
    padding: "same",
    bias: false,
  });
  const stem = pipe(
    withImageFilter(filter, `${name}._conv_stem.weight`),
    norm(`${name}._bn0`, STEM_CHANNELS),
    withoutParameters(relu6),
  );
  const parts = MAP_STAGES.map((last, i) => {
    const first = (MAP_STAGES[i - 1] ?? -1) + 1;
    const blocks = stages.slice(first, last + 1).flat();
    return sequential(i === 0 ? [stem, ...blocks] : blocks);
  });
  return {
    strides: [4, 8, 16, 32],
    channels: MAP_STAGES.map((s) => widths[s] ?? STEM_CHANNELS),
    parameters: parametersOf(...parts),
    apply(weights, images, context) {
      const maps: tf.Tensor4D[] = [];
      let x = images;
      for (const part of parts) {
        x = part.apply(weights, x, context);
        maps.push(x);
      }
      return maps;
    },
  };
}

const CHANNEL_MULTIPLE = 8;

// The nearest multiple, unless it is less than nine tenths.
function scaledChannels(channels: number, coefficient: number): number {
  const scaled = channels * coefficient;
  const half = CHANNEL_MULTIPLE / 2;
  const nearest = Math.max(
    CHANNEL_MULTIPLE,
    Math.floor((scaled + half) / CHANNEL_MULTIPLE) * CHANNEL_MULTIPLE,
  );
  return nearest < 0.9 * scaled ? nearest + CHANNEL_MULTIPLE : nearest;
}

const norm = (name: string, channels: number): Layer =>
  batchNorm(name, channels, { epsilon: 1e-3, momentum: 0.01 });

/** The shape of a block. */
interface InvertedResidualOptions {
  readonly inChannels: number;
  readonly outChannels: number;
  /** Of the depthwise convolution. */
  readonly kernelSize: number;
  /** Of the depthwise convolution. */
  readonly stride: number;
  /** How many times more channels there are inside; 1: no convolution makes them. */
  readonly expansion: number;
  readonly dropPathRate: number;
}

/**
 * The block of MobileNetV2 and EfficientNet: out = project(depthwise(expand(x))) (+ x where
 * the shapes agree), each convolution with batch norm, the first two with ReLU6.
 *
 * Source: Sandler et al., "MobileNetV2" (CVPR 2018), https://arxiv.org/abs/1801.04381.
 *
 * @param name Parameters are `<name>._expand_conv.*`, `._bn0.*`, `._depthwise_conv.*`,
 * `._bn1.*`, `._project_conv.*` and `._bn2.*`.
 */
function invertedResidual(
  name: string,
  { inChannels, outChannels, kernelSize, stride, expansion, dropPathRate }:
    InvertedResidualOptions,
): Layer {
  const hidden = expansion * inChannels;
  const pointwise = { kernelSize: 1, bias: false };
  const activate = withoutParameters(relu6);
  const expand = expansion === 1 ? pipe() : pipe(
    convolution(`${name}._expand_conv`, inChannels, hidden, pointwise),
    norm(`${name}._bn0`, hidden),
    activate,
  );
  const branch = pipe(
    expand,
    depthwiseConvolution(`${name}._depthwise_conv`, hidden, {
      kernelSize,
      stride,
      bias: false,
      fanOut: kernelSize ** 2,
    }),
    norm(`${name}._bn1`, hidden),
    activate,
    convolution(`${name}._project_conv`, hidden, outChannels, pointwise),
    norm(`${name}._bn2`, outChannels),
  );
  if (stride !== 1 || inChannels !== outChannels) return branch;
  return {
    parameters: branch.parameters,
    apply(weights, x, context) {
      const change = branch.apply(weights, x, context); // [B, H, W, outChannels]
      return tf.add(x, dropout(name, change, dropPathRate, "sample", context));
    },
  };
}
