import { type BufferChange, type Layer, weightOf } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import {
  batchMoments,
  batchNorm as train,
  frozenBatchNorm,
  type Moments,
} from "../ops/batch_norm.ts";
import { blend } from "../ops/in_place.ts";
import { buffer, vector } from "./parameter.ts";

/** What published networks do differently. */
export interface BatchNormOptions {
  /**
   * ε, added to the variance.
   * @default {1e-5}
   */
  readonly epsilon?: number;
  /**
   * Whether batches are counted, as PyTorch does since 0.4.1; older files have no count.
   * @default {true}
   */
  readonly counted?: boolean;
}

// PyTorch's defaults.
const EPSILON = 1e-5;
const MOMENTUM = 0.1;

/**
 * Batch norm over channels.
 *
 * In training it normalises with the batch's own moments and writes them into the
 * running ones: running ← 0.9 · running + 0.1 · batch, with the unbiased variance.
 * In evaluation it uses the running moments.
 *
 * @param name Parameters are `<name>.weight`, `.bias`, `.running_mean`, `.running_var`
 * [C each] and `.num_batches_tracked`.
 */
export function batchNorm(
  name: string,
  channels: number,
  { epsilon = EPSILON, counted = true }: BatchNormOptions = {},
): Layer {
  const scale = vector(`${name}.weight`, channels, 1);
  const shift = vector(`${name}.bias`, channels, 0);
  const mean = buffer(`${name}.running_mean`, [channels], "plain", 0);
  const variance = buffer(`${name}.running_var`, [channels], "plain", 1);
  const batches = buffer(`${name}.num_batches_tracked`, [], "counter", 0);
  const parameters = [scale, shift, mean, variance];
  return {
    parameters: counted ? [...parameters, batches] : parameters,
    apply(weights, x, pass) {
      const running = {
        mean: weightOf(weights, mean),
        variance: weightOf(weights, variance),
      };
      const affine = {
        scale: weightOf(weights, scale),
        shift: weightOf(weights, shift),
        epsilon,
      };
      if (!pass.training) return frozenBatchNorm(x, affine, running);
      const own = batchMoments(x);
      if (!pass.repeated) {
        const change = changeBy(own, x.size / channels);
        change.make(weights);
        pass.changed?.(change);
      }
      return train(x, affine, own);
    },
  };

  // By the moments of a batch with so many values per channel.
  function changeBy(own: Moments, values: number): BufferChange {
    return {
      buffers: counted ? [mean, variance, batches] : [mean, variance],
      reads: [own.mean, own.variance],
      make: (weights) =>
        tf.tidy(() => {
          const unbiased = tf.mul(own.variance, values / Math.max(values - 1, 1));
          blend(weightOf(weights, mean), own.mean, 1 - MOMENTUM);
          blend(weightOf(weights, variance), unbiased, 1 - MOMENTUM);
          if (!counted) return;
          const count = weightOf(weights, batches);
          blend(count, tf.add(count, 1), 0);
        }),
    };
  }
}
