/** Batch norm and layer norm with their parameters. @module */
import { type Layer, type RunningStatsUpdate, weightOf } from "../core/network.ts";
import { rankCount, sharesBatchStatistics } from "../core/ranks.ts";
import * as tf from "../core/tf.ts";
import {
  batchMoments,
  batchNorm as normalizeBatch,
  frozenBatchNorm,
  type Moments,
} from "../ops/batch_norm/batch_norm.ts";
import { lerp } from "../ops/in_place/in_place.ts";
import { layerNorm as normalizeLayer } from "../ops/layer_norm/layer_norm.ts";
import { buffer, vectorParameter } from "./parameter.ts";

/** What published networks do differently. */
export interface BatchNormOptions {
  /**
   * ε, added to the variance.
   * @default {1e-5}
   */
  readonly epsilon?: number;
  /**
   * The share of a batch in the running moments, as PyTorch counts it.
   * @default {0.1}
   */
  readonly momentum?: number;
  /**
   * Whether batches are counted, as PyTorch does since 0.4.1; older files have no count.
   * @default {true}
   */
  readonly countBatches?: boolean;
  /**
   * Whether the scale starts at 0, so that a fresh layer returns 0.
   * @default {false}
   */
  readonly zeroInit?: boolean;
}

// PyTorch's defaults.
const EPSILON = 1e-5;
const MOMENTUM = 0.1;

/**
 * Batch norm over channels.
 *
 * In training it normalizes with the batch's own moments and updates the running ones:
 * running ← (1 − momentum) · running + momentum · batch, with the unbiased variance. In
 * evaluation, and where both its parameters are frozen, it uses the running moments and
 * leaves them.
 *
 * @param name Parameters are `<name>.weight`, `.bias`, `.running_mean`, `.running_var`
 * [C each] and `.num_batches_tracked`.
 */
export function batchNorm(
  name: string,
  channels: number,
  {
    epsilon = EPSILON,
    momentum = MOMENTUM,
    countBatches = true,
    zeroInit = false,
  }: BatchNormOptions = {},
): Layer {
  const scale = vectorParameter(`${name}.weight`, channels, zeroInit ? 0 : 1);
  const shift = vectorParameter(`${name}.bias`, channels, 0);
  const mean = buffer(`${name}.running_mean`, [channels], "plain", 0);
  const variance = buffer(`${name}.running_var`, [channels], "plain", 1);
  const batchCount = buffer(`${name}.num_batches_tracked`, [], "counter", 0);
  const buffers = countBatches ? [mean, variance, batchCount] : [mean, variance];

  const runningStatsUpdate = (
    moments: Moments,
    valuesPerChannel: number,
  ): RunningStatsUpdate => ({
    buffers,
    batchStatistics: [moments.mean, moments.variance],
    apply: (weights) =>
      tf.tidy(() => {
        const unbiased = tf.mul(
          moments.variance,
          valuesPerChannel / Math.max(valuesPerChannel - 1, 1),
        );
        lerp(weightOf(weights, mean), moments.mean, 1 - momentum);
        lerp(weightOf(weights, variance), unbiased, 1 - momentum);
        if (!countBatches) return;
        const count = weightOf(weights, batchCount);
        lerp(count, tf.add(count, 1), 0);
      }),
  });
  return {
    parameters: [scale, shift, ...buffers],
    apply(weights, x, context) {
      const affine = {
        scale: weightOf(weights, scale),
        shift: weightOf(weights, shift),
        epsilon,
      };
      const isFrozen = [scale, shift].every(({ name }) => context.frozen?.has(name));
      if (!context.training || isFrozen) {
        return frozenBatchNorm(x, affine, {
          mean: weightOf(weights, mean),
          variance: weightOf(weights, variance),
        });
      }
      const moments = batchMoments(x);
      if (!context.isRecomputation) {
        const parts = sharesBatchStatistics() ? rankCount() : 1;
        const valuesPerChannel = parts * x.size / channels;
        const update = runningStatsUpdate(moments, valuesPerChannel);
        update.apply(weights);
        context.onRunningStatsUpdate?.(update);
      }
      return normalizeBatch(x, affine, moments);
    },
  };
}

/**
 * Layer norm over channels.
 *
 * @param name Parameters are `<name>.weight` and `<name>.bias`, both [C].
 * @param epsilon ε, added to the variance; by default PyTorch's.
 */
export function layerNorm(
  name: string,
  channels: number,
  epsilon: number = EPSILON,
): Layer {
  const scale = vectorParameter(`${name}.weight`, channels, 1);
  const shift = vectorParameter(`${name}.bias`, channels, 0);
  return {
    parameters: [scale, shift],
    apply: (weights, x) =>
      normalizeLayer(x, weightOf(weights, scale), weightOf(weights, shift), epsilon),
  };
}
