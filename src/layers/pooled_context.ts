import type { Layer } from "../core/network.ts";
import { adaptiveAveragePool } from "../ops/average_pool.ts";
import { resizeBilinear } from "../ops/resize_bilinear.ts";
import { convModule } from "./conv_module.ts";

/**
 * What a map shows on a coarse grid: mean of each bin, 1×1 convolution, batch norm,
 * ReLU, and back to the size of the map.
 *
 * Source: Zhao et al., "Pyramid Scene Parsing Network" (CVPR 2017),
 * https://arxiv.org/abs/1612.01105.
 *
 * @param name Parameters are `<name>.1.conv.*` and `<name>.1.bn.*`.
 * @param bins Per side; 1 is the mean of the whole map.
 */
export function pooledContext(
  name: string,
  inputs: number,
  outputs: number,
  bins: number,
): Layer {
  return onGrid(bins, convModule(`${name}.1`, inputs, outputs, { kernel: 1 }));
}

/**
 * A layer on the means of a coarse grid, its answer enlarged to the size of the map.
 *
 * @param bins Per side of the grid.
 * @param project Keeps the size of its maps.
 */
export function onGrid(bins: number, project: Layer): Layer {
  return {
    parameters: project.parameters,
    apply(weights, x, pass) {
      const [, H, W] = x.shape;
      const pooled = adaptiveAveragePool(x, [bins, bins]);
      return resizeBilinear(project.apply(weights, pooled, pass), [H, W]);
    },
  };
}
