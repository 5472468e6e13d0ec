/** The parts of the blocks of all Transformers here. @module */
import type { Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { gelu } from "../ops/gelu/gelu.ts";
import { dropout } from "./dropout.ts";
import { linear } from "./linear.ts";
import { derivedBuffersOf, parametersOf } from "./parameter.ts";
import { pipe, withoutParameters } from "./sequential.ts";

/**
 * A residual branch: x + dropPath(branch(norm(x))).
 *
 * @param name Names the draws of drop path.
 * @param dropPathRate The probability that an image skips the branch.
 */
export function residualBranch(
  name: string,
  norm: Layer,
  branch: Layer,
  dropPathRate: number,
): Layer {
  return {
    parameters: parametersOf(norm, branch),
    derivedBuffers: derivedBuffersOf(branch),
    apply(weights, x, context) {
      const change = branch.apply(weights, norm.apply(weights, x, context), context);
      return tf.add(x, dropout(name, change, dropPathRate, "sample", context));
    },
  };
}

/**
 * The drop-path rate of every block: it grows linearly from 0 at the first to `rate` at
 * the last.
 *
 * @param depths Blocks of each stage.
 */
export function dropPathRates(depths: readonly number[], rate: number): number[][] {
  const blocks = depths.reduce((sum, depth) => sum + depth, 0);
  let before = 0;
  return depths.map((depth) =>
    Array.from({ length: depth }, () => blocks > 1 ? rate * before++ / (blocks - 1) : 0)
  );
}

/**
 * The MLP of a transformer block: layers.1(gelu(layers.0.0(x))), pixel by pixel.
 *
 * @param name Parameters are `<name>.layers.0.0.*` and `<name>.layers.1.*`, as in mmcv.
 * @param hidden Channels in between.
 */
export function feedForward(name: string, channels: number, hidden: number): Layer {
  return pipe(
    linear(`${name}.layers.0.0`, channels, hidden),
    withoutParameters(gelu),
    linear(`${name}.layers.1`, hidden, channels),
  );
}
