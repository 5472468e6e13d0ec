/**
 * The dilated ResNets of segmentation: that of mmsegmentation ("ResNetV1c"), the encoder
 * of DeepLab and PSPNet, and that of the semi-supervised networks, with multi-grid.
 *
 * Sources: He et al., "Deep Residual Learning" (CVPR 2016),
 * https://arxiv.org/abs/1512.03385; the deep stem is that of He et al., "Bag of Tricks"
 * (CVPR 2019), https://arxiv.org/abs/1812.01187; dilation and multi-grid are those of Chen
 * et al., "Rethinking Atrous Convolution", 2017, https://arxiv.org/abs/1706.05587. Names
 * and shapes of the parameters are those of the checkpoints of mmsegmentation and of U2PL,
 * https://arxiv.org/abs/2203.03884.
 *
 * @module
 */
import type { Encoder, Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { convNorm, type ConvNormNames, convNormRelu } from "../layers/conv_module.ts";
import { withImageFilter } from "../layers/image_filter.ts";
import { parametersOf } from "../layers/parameter.ts";
import { pipe, sequential } from "../layers/sequential.ts";
import { maxPool } from "../ops/pool/max_pool.ts";
import { relu } from "../ops/relu/relu.ts";

/** The shape of a ResNet. */
export interface ResnetOptions {
  /** Blocks of each of the four stages. */
  readonly depths: readonly [number, number, number, number];
  /** Channels after the stem, even. @default {64, or 128 with multi-grid} */
  readonly stemChannels?: number;
  /** Channels inside the blocks of the first stage; they double per stage. @default {64} */
  readonly baseChannels?: number;
  /** Channels of the images. @default {3} */
  readonly imageChannels?: number;
}

/** The published shapes. */
export const RESNET_PRESETS = {
  "resnet-50": { depths: [3, 4, 6, 3] },
  "resnet-101": { depths: [3, 4, 23, 3] },
} as const satisfies Record<string, ResnetOptions>;

/** The published shapes with multi-grid. */
export const RESNET_MULTIGRID_PRESETS = {
  "resnet-50-multigrid": RESNET_PRESETS["resnet-50"],
  "resnet-101-multigrid": RESNET_PRESETS["resnet-101"],
} as const;

/** The stride of each stage's first block; together with the stem the output stride is 8. */
export const RESNET_STAGE_STRIDES = [1, 2, 1, 1] as const;

/** The dilation of each stage; the first block of a stage has half of it. */
export const RESNET_DILATIONS = [1, 1, 2, 4] as const;

// Factors of the dilations in the last stage with multi-grid, block by block.
const MULTI_GRID = [2, 2, 4] as const;

/**
 * Builds the ResNet of mmsegmentation; its maps have strides 4, 8, 8 and 8.
 *
 * @param name Prefix of the parameters, "backbone" in whole networks.
 * @throws {RangeError} If the channels of the stem are odd.
 */
export function resnet(name: string, options: ResnetOptions): Encoder {
  const { stemChannels = 64, imageChannels = 3 } = options;
  const stemNames = [0, 3, 6].map((i) =>
    [`${name}.stem.${i}`, `${name}.stem.${i + 1}`] as const
  );
  return dilatedResnet(name, {
    ...options,
    stem: deepStem(stemNames, imageChannels, stemChannels),
    stemChannels,
    // "Contracted": the step from one dilation to the next is taken in two halves.
    dilation: (stage, block) => {
      const dilation = RESNET_DILATIONS[stage] ?? 1;
      return block === 0 ? Math.max(dilation / 2, 1) : dilation;
    },
  });
}

/**
 * Builds the ResNet of the semi-supervised networks; its maps have strides 4, 8, 8 and 8.
 * A stem of n pixels makes a first map of ⌊n/2⌋ + 1: images of 513 pixels give 129, 65, 65
 * and 65.
 *
 * @param name Prefix of the parameters, "encoder" in whole networks.
 * @throws {RangeError} If the channels of the stem are odd, or the last stage has more
 * blocks than there are grids.
 */
export function resnetMultigrid(name: string, options: ResnetOptions): Encoder {
  const { depths, stemChannels = 128, imageChannels = 3 } = options;
  if (depths[3] > MULTI_GRID.length) {
    throw new RangeError(
      `Cannot build a ResNet with multi-grid: the last of "depths" must be at most ` +
        `${MULTI_GRID.length}, a block for each grid: received ${depths[3]}`,
    );
  }
  const stem = deepStem(
    [
      [`${name}.conv1.0`, `${name}.conv1.1`],
      [`${name}.conv1.3`, `${name}.conv1.4`],
      [`${name}.conv1.6`, `${name}.bn1`], // as in a ResNet with one convolution there
    ],
    imageChannels,
    stemChannels,
  );
  return dilatedResnet(name, {
    ...options,
    stem,
    stemChannels,
    ceilMode: true,
    // A stage whose stride was removed doubles the dilation, from its second block on.
    dilation: (stage, block) => {
      if (stage < 2) return 1;
      if (stage === 2) return block === 0 ? 1 : 2;
      return (block === 0 ? 2 : 4) * (MULTI_GRID[block] ?? 1);
    },
  });
}

interface DilatedResnetOptions extends ResnetOptions {
  /** Images to maps of half their size. */
  readonly stem: Layer;
  readonly stemChannels: number;
  /**
   * Whether the pool after the stem rounds as PyTorch's `ceil_mode`: n pixels become
   * ⌊n/2⌋ + 1, not ⌈n/2⌉, so that even sizes gain one.
   */
  readonly ceilMode?: boolean;
  /** Of the 3×3 convolution of a block; stages and blocks are counted from 0. */
  dilation(stage: number, block: number): number;
}

// Dilated from the third stage on instead of strided. The blocks are
// `<name>.layer<stage>.<block>`, stages counted from 1.
function dilatedResnet(
  name: string,
  { depths, baseChannels = 64, stem, stemChannels, ceilMode = false, dilation }:
    DilatedResnetOptions,
): Encoder {
  const channels = depths.map((_, s) => BOTTLENECK_EXPANSION * baseChannels * 2 ** s);
  const stages = depths.map((depth, s) =>
    sequential(Array.from({ length: depth }, (_, k) => {
      const first = k === 0;
      return bottleneck(`${name}.layer${s + 1}.${k}`, {
        inChannels: channels[first ? s - 1 : s] ?? stemChannels,
        planes: baseChannels * 2 ** s,
        stride: first ? RESNET_STAGE_STRIDES[s] ?? 1 : 1,
        dilation: dilation(s, k),
        downsample: first,
      });
    }))
  );
  return {
    strides: [4, 8, 8, 8],
    channels,
    parameters: parametersOf(stem, ...stages),
    apply(weights, images, context) {
      const maps: tf.Tensor4D[] = [];
      const pool = { window: 3, stride: 2, padding: 1, ceil: ceilMode };
      let x = maxPool(stem.apply(weights, images, context), pool); // [B, H/4, W/4, stem]
      for (const stage of stages) {
        x = stage.apply(weights, x, context);
        maps.push(x);
      }
      return maps;
    },
  };
}

/**
 * The start of a ResNet with three 3×3 convolutions instead of one of 7×7, the first with
 * stride 2 and the first two with half of the channels, each with batch norm and ReLU.
 *
 * @param channels Channels at the end.
 */
function deepStem(
  names: readonly ConvNormNames[],
  imageChannels: number,
  channels: number,
): Layer {
  if (channels % 2 !== 0) {
    throw new RangeError(
      `Cannot build a ResNet: "stemChannels" must be even, because its first half has ` +
        `half as many channels: received ${channels}`,
    );
  }
  const widths = [imageChannels, channels / 2, channels / 2, channels];
  const stem = sequential(
    names.map((names, i) =>
      convNormRelu(names, widths[i] ?? channels, widths[i + 1] ?? channels, {
        kernelSize: 3,
        stride: i === 0 ? 2 : 1,
      })
    ),
  ); // [B, H/2, W/2, channels]
  return withImageFilter(stem, `${names[0]?.[0]}.weight`);
}

const BOTTLENECK_EXPANSION = 4;

/** The shape of a bottleneck. */
interface BottleneckOptions {
  readonly inChannels: number;
  /** Channels inside; the output has four times as many. */
  readonly planes: number;
  /** Of the 3×3 convolution and the shortcut. */
  readonly stride: number;
  /** Of the 3×3 convolution. */
  readonly dilation: number;
  /** Whether the shortcut is a 1×1 convolution, not the input itself. */
  readonly downsample: boolean;
}

/**
 * The residual block of deep ResNets: out = relu(conv3(relu(conv2(relu(conv1(x))))) + x),
 * each convolution with batch norm, 1×1 to fewer channels, 3×3, and 1×1 to more; the
 * stride is in the 3×3 convolution, as in PyTorch.
 *
 * @param name Parameters are `<name>.{conv,bn}{1,2,3}.*` and `<name>.downsample.{0,1}.*`.
 * @throws {RangeError} If the shortcut is the input itself and has another shape.
 */
export function bottleneck(
  name: string,
  { inChannels, planes, stride, dilation, downsample }: BottleneckOptions,
): Layer {
  const outChannels = BOTTLENECK_EXPANSION * planes;
  if (!downsample && (inChannels !== outChannels || stride !== 1)) {
    throw new RangeError(
      `Cannot add the input to a bottleneck: without "downsample" it must have ${outChannels} ` +
        `channels and stride 1, but it has ${inChannels} and ${stride}`,
    );
  }
  const namesOf = (i: number) => [`${name}.conv${i}`, `${name}.bn${i}`] as const;
  const residual = pipe(
    convNormRelu(namesOf(1), inChannels, planes, { kernelSize: 1 }),
    convNormRelu(namesOf(2), planes, planes, { kernelSize: 3, stride, dilation }),
    // A fresh block returns its shortcut, as in the reference.
    convNorm(namesOf(3), planes, outChannels, { kernelSize: 1, zeroInit: true }),
  );
  const shortcutNames = [`${name}.downsample.0`, `${name}.downsample.1`] as const;
  const shortcut = downsample
    ? convNorm(shortcutNames, inChannels, outChannels, { kernelSize: 1, stride })
    : pipe();
  return {
    parameters: parametersOf(residual, shortcut),
    apply(weights, x, context) {
      const change = residual.apply(weights, x, context); // [B, H/stride, W/stride, 4·planes]
      return relu(tf.add(change, shortcut.apply(weights, x, context)));
    },
  };
}
