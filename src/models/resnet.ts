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
import type { Encoder } from "../core/network.ts";
import { deepStem } from "../layers/deep_stem.ts";
import { dilatedResnet } from "./dilated_resnet.ts";

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
  const stemNames = ([0, 3, 6] as const).map((i) =>
    [`${name}.stem.${i}`, `${name}.stem.${i + 1}`] as const
  );
  return dilatedResnet(name, {
    depths,
    planes,
    stem: deepStem(stemNames, stemWidth),
    stemWidth,
    // Contracted: the step from one dilation to the next is taken in two halves.
    dilation: (stage, block) =>
      block === 0
        ? Math.max((RESNET_DILATIONS[stage] ?? 1) / 2, 1)
        : RESNET_DILATIONS[stage] ?? 1,
  });
}
