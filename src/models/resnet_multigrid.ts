/**
 * ResNet of the semi-supervised networks: a deep stem, dilated last stages, and dilations
 * that grow from block to block in the last one ("multi-grid").
 *
 * Sources: He et al., "Deep Residual Learning" (CVPR 2016),
 * https://arxiv.org/abs/1512.03385; multi-grid is that of Chen et al., "Rethinking Atrous
 * Convolution", 2017, https://arxiv.org/abs/1706.05587. Names and shapes of the parameters
 * are those of the checkpoints of U2PL, https://arxiv.org/abs/2203.03884.
 *
 * @module
 */
import type { Encoder } from "../core/network.ts";
import { deepStem } from "../layers/deep_stem.ts";
import { dilatedResnet } from "./dilated_resnet.ts";
import type { ResnetShape } from "./resnet.ts";

/** The published shapes. */
export const RESNET_MULTIGRID_PRESETS = {
  "resnet-50-multigrid": { depths: [3, 4, 6, 3] },
  "resnet-101-multigrid": { depths: [3, 4, 23, 3] },
} as const satisfies Record<string, ResnetShape>;

/** Of the blocks of the last stage, times the dilation that reaches them. */
export const RESNET_GRIDS = [2, 2, 4] as const;

const PUBLISHED_STEM = 128;
const PUBLISHED_PLANES = 64;

/**
 * Builds the encoder; its maps have strides 4, 8, 8 and 8. A stem of n pixels makes a
 * first map of ⌊n/2⌋ + 1: images of 513 pixels give 129, 65, 65 and 65.
 *
 * @param name Prefix of the parameters, "encoder" in whole networks.
 * @param shape Its stem has 128 channels where none are given.
 * @throws {RangeError} If the width of the stem is odd, or the last stage has more blocks
 * than there are grids.
 */
export function resnetMultigrid(
  name: string,
  { depths, stem: stemWidth = PUBLISHED_STEM, planes = PUBLISHED_PLANES }: ResnetShape,
): Encoder {
  if (depths[3] > RESNET_GRIDS.length) {
    throw new RangeError(
      `Cannot build a ResNet with multi-grid: the last of "depths" must be at most ` +
        `${RESNET_GRIDS.length}, a block for each grid: received ${depths[3]}`,
    );
  }
  // The last norm has the name that it has in a ResNet with one convolution there.
  const stem = deepStem(
    [
      [`${name}.conv1.0`, `${name}.conv1.1`],
      [`${name}.conv1.3`, `${name}.conv1.4`],
      [`${name}.conv1.6`, `${name}.bn1`],
    ],
    stemWidth,
  );
  return dilatedResnet(name, { depths, planes, stem, stemWidth, ceil: true, dilation });
}

// A stage that would have had a stride doubles the dilation, from its second block on.
function dilation(stage: number, block: number): number {
  if (stage < 2) return 1;
  if (stage === 2) return block === 0 ? 1 : 2;
  return (block === 0 ? 2 : 4) * (RESNET_GRIDS[block] ?? 1);
}
