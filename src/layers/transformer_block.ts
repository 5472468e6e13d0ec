/** The parts of the blocks of all Transformers here. @module */
import { type Layer, weightOf } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { gelu } from "../ops/gelu/gelu.ts";
import { scaleChannels } from "../ops/scale_channels.ts";
import { dropout } from "./dropout.ts";
import { linear } from "./linear.ts";
import { derivedBuffersOf, parametersOf, vectorParameter } from "./parameter.ts";
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
 * The MLP of a transformer block: second(gelu(first(x))), pixel by pixel.
 *
 * @param name Parameters are `<name>.<first>.*` and `<name>.<second>.*`.
 * @param hidden Channels in between.
 * @param names First and second; by default as in mmcv.
 */
export function feedForward(
  name: string,
  channels: number,
  hidden: number,
  [first, second]: readonly [string, string] = ["layers.0.0", "layers.1"],
): Layer {
  return pipe(
    linear(`${name}.${first}`, channels, hidden),
    withoutParameters(gelu),
    linear(`${name}.${second}`, hidden, channels),
  );
}

/**
 * LayerScale: a learned factor per channel at the end of a residual branch.
 *
 * Source: Touvron et al., "Going deeper with Image Transformers" (ICCV 2021),
 * https://arxiv.org/abs/2103.17239.
 *
 * @param name Of its only parameter. [C]
 * @param init Its initial value.
 */
export function layerScale(name: string, channels: number, init: number): Layer {
  const scale = vectorParameter(name, channels, init);
  return {
    parameters: [scale],
    apply: (weights, x) => scaleChannels(x, weightOf(weights, scale)),
  };
}
