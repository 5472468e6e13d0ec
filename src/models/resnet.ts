/**
 * ResNet with a deep stem and dilated last stages ("ResNetV1c"), the encoder of DeepLab
 * and PSPNet.
 *
 * Sources: He et al., "Deep Residual Learning" (CVPR 2016),
 * https://arxiv.org/abs/1512.03385; the deep stem is that of He et al., "Bag of Tricks"
 * (CVPR 2019), https://arxiv.org/abs/1812.01187. Names and shapes of the parameters are
 * those of mmsegmentation's checkpoints.
 *
 * @module
 */
import type { Encoder, Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { bottleneck, BOTTLENECK_EXPANSION } from "../layers/bottleneck.ts";
import { convNorm } from "../layers/conv_norm.ts";
import { parametersOf } from "../layers/parameter.ts";
import { maxPool } from "../ops/max_pool.ts";

/** The shape of a ResNet. */
export interface ResnetShape {
  /** Blocks of each of the four stages. */
  readonly depths: readonly [number, number, number, number];
  /** Channels after the stem, even. @default {64} */
  readonly stem?: number;
  /** Channels inside the blocks of the first stage; they double per stage. @default {64} */
  readonly planes?: number;
}

/** The published shapes. */
export const RESNET_PRESETS = {
  "resnet-50": { depths: [3, 4, 6, 3] },
  "resnet-101": { depths: [3, 4, 23, 3] },
} as const satisfies Record<string, ResnetShape>;

/** Of the first block of each stage; together with the stem the output stride is 8. */
export const RESNET_STRIDES = [1, 2, 1, 1] as const;
/** Of each stage; the first block of a stage has half of it. */
export const RESNET_DILATIONS = [1, 1, 2, 4] as const;

const PUBLISHED_WIDTH = 64;

/**
 * Builds the encoder; its maps have strides 4, 8, 8 and 8.
 *
 * @param name Prefix of the parameters, "backbone" in whole networks.
 * @throws {RangeError} If the width of the stem is odd.
 */
export function resnet(
  name: string,
  { depths, stem: stemWidth = PUBLISHED_WIDTH, planes = PUBLISHED_WIDTH }: ResnetShape,
): Encoder {
  const stem = deepStem(`${name}.stem`, stemWidth);
  const widths = depths.map((_, s) => BOTTLENECK_EXPANSION * planes * 2 ** s);
  const stages = depths.map((depth, s) => {
    const outputs = widths[s] ?? planes;
    const dilation = RESNET_DILATIONS[s] ?? 1;
    return Array.from({ length: depth }, (_, k) => {
      const first = k === 0;
      return bottleneck(`${name}.layer${s + 1}.${k}`, {
        inputs: first ? widths[s - 1] ?? stemWidth : outputs,
        planes: planes * 2 ** s,
        stride: first ? RESNET_STRIDES[s] ?? 1 : 1,
        // Contracted: the step from one dilation to the next is taken in two halves.
        dilation: first ? Math.max(dilation / 2, 1) : dilation,
        project: first,
      });
    });
  });
  return {
    strides: [4, 8, 8, 8],
    widths,
    parameters: parametersOf(stem, ...stages.flat()),
    apply(weights, images, pass) {
      const maps: tf.Tensor4D[] = [];
      let x = maxPool(stem.apply(weights, images, pass), {
        window: 3,
        stride: 2,
        padding: 1,
      }); // [B, H/4, W/4, stem]
      for (const blocks of stages) {
        for (const block of blocks) x = block.apply(weights, x, pass);
        maps.push(x);
      }
      return maps;
    },
  };
}

// Three 3×3 convolutions instead of one of 7×7; the names count the activations too.
function deepStem(name: string, width: number): Layer {
  if (width % 2 !== 0) {
    throw new RangeError(
      `Cannot build a ResNet: "stem" must be even, because its first half has half as ` +
        `many channels: received ${width}`,
    );
  }
  const half = width / 2;
  const layers = [
    convNorm([`${name}.0`, `${name}.1`], 3, half, { kernel: 3, stride: 2 }),
    convNorm([`${name}.3`, `${name}.4`], half, half, { kernel: 3 }),
    convNorm([`${name}.6`, `${name}.7`], half, width, { kernel: 3 }),
  ];
  return {
    parameters: parametersOf(...layers),
    apply: (weights, images, pass) =>
      layers.reduce(
        (x, layer) => tf.relu(layer.apply(weights, x, pass)),
        images,
      ), // [B, H/2, W/2, width]
  };
}
