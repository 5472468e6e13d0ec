/**
 * Feature maps pooled to coarse grids.
 *
 * Source: Zhao et al., "Pyramid Scene Parsing Network" (CVPR 2017),
 * https://arxiv.org/abs/1612.01105.
 *
 * @module
 */
import type { Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { adaptiveAveragePool } from "../ops/pool/average_pool.ts";
import { resizeBilinear } from "../ops/resize/resize.ts";
import { convModule } from "./conv_module.ts";
import { parametersOf } from "./parameter.ts";

/**
 * A map concatenated with its means over grids of several sizes, then fused by a 3×3
 * convolution: PSPNet's pyramid pooling module.
 *
 * @param name Parameters are `<name>.psp_modules.<i>.1.*` and `<name>.bottleneck.*`.
 * @param poolScales Bins per side of each grid.
 */
export function pyramidPooling(
  name: string,
  inChannels: number,
  outChannels: number,
  poolScales: readonly number[],
): Layer {
  const branches = poolScales.map((bins, i) =>
    poolingBranch(`${name}.psp_modules.${i}`, inChannels, outChannels, bins)
  );
  const bottleneck = convModule(
    `${name}.bottleneck`,
    inChannels + poolScales.length * outChannels,
    outChannels,
    3,
  );
  return concatBranches(branches, bottleneck, true);
}

/**
 * The outputs of several layers on the same map, concatenated and fused by one layer.
 *
 * @param withInput Whether the map itself comes first.
 */
export function concatBranches(
  branches: readonly Layer[],
  fuse: Layer,
  withInput = false,
): Layer {
  return {
    parameters: parametersOf(...branches, fuse),
    apply(weights, x, context) {
      const outputs = branches.map((branch) => branch.apply(weights, x, context));
      const concatenated = tf.concat(withInput ? [x, ...outputs] : outputs, 3);
      return fuse.apply(weights, concatenated, context);
    },
  };
}

/**
 * The mean of each bin of a coarse grid, 1×1 convolution, batch norm, ReLU, upsampled to
 * the size of the map.
 *
 * @param name Parameters are `<name>.1.conv.*` and `<name>.1.bn.*`.
 * @param bins Per side; 1 is the mean of the whole map.
 */
export function poolingBranch(
  name: string,
  inChannels: number,
  outChannels: number,
  bins: number,
): Layer {
  return withPooling(
    bins,
    convModule(`${name}.1`, inChannels, outChannels, 1),
  );
}

/**
 * A layer on the means of the bins of a coarse grid, its output upsampled to the size of
 * the map.
 *
 * @param bins Per side of the grid.
 * @param project Keeps the size of its maps.
 */
export function withPooling(bins: number, project: Layer): Layer {
  return {
    parameters: project.parameters,
    apply(weights, x, context) {
      const [, H, W] = x.shape;
      const pooled = adaptiveAveragePool(x, [bins, bins]);
      return resizeBilinear(project.apply(weights, pooled, context), [H, W]);
    },
  };
}
