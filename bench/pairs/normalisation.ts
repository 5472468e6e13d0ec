/** Normalisations, activations and dropout. @module */
import type * as tf from "../../src/core/tf.ts";
import { batchMoments, batchNorm, frozenBatchNorm } from "../../src/ops/batch_norm.ts";
import { dropout, type DropoutUnit } from "../../src/ops/dropout.ts";
import { gelu } from "../../src/ops/gelu.ts";
import { layerNorm } from "../../src/ops/layer_norm.ts";
import { scaleChannels } from "../../src/ops/scale_channels.ts";
import * as stockBatchNorm from "../stock/batch_norm.ts";
import { dropout as stockDropout } from "../stock/dropout.ts";
import { gelu as stockGelu } from "../stock/gelu.ts";
import { layerNorm as stockLayerNorm } from "../stock/layer_norm.ts";
import { scaleChannels as stockScaleChannels } from "../stock/scale_channels.ts";
import type { MapShape } from "./convolution.ts";
import { numbers, type Pair, pair } from "./pair.ts";

const EPSILON = 1e-5;

type Three = [tf.Tensor, tf.Tensor, tf.Tensor];
type Five = [...Three, tf.Tensor, tf.Tensor];

/** Layer norm of tokens. */
export function layerNormPair(rows: number, channels: number): Pair {
  return pair(
    () => [numbers([rows, channels]), ...affine(channels)],
    [
      (...[x, scale, shift]) => layerNorm(...[x, scale, shift] as Three, EPSILON),
      (...[x, scale, shift]) => stockLayerNorm(...[x, scale, shift] as Three, EPSILON),
    ],
    { slopes: 3, tolerance: 1e-4 },
  );
}

/** Batch norm by the moments of the maps themselves. */
export function batchNormPair(shape: MapShape): Pair {
  return pair(
    () => [numbers(shape), ...affine(shape[3])],
    [
      (...inputs) => {
        const [x, scale, shift] = inputs as Three;
        return batchNorm(x, { scale, shift, epsilon: EPSILON }, batchMoments(x));
      },
      (...inputs) => {
        const [x, scale, shift] = inputs as Three;
        const moments = stockBatchNorm.batchMoments(x);
        return stockBatchNorm.batchNorm(x, { scale, shift, epsilon: EPSILON }, moments);
      },
    ],
    { slopes: 3, tolerance: 1e-4 },
  );
}

/** Batch norm by given moments. */
export function frozenBatchNormPair(shape: MapShape): Pair {
  const [, , , C] = shape;
  return pair(
    () => [
      numbers(shape),
      ...affine(C),
      numbers([C], "mean"),
      numbers([C], "variance").square(),
    ],
    [
      (...inputs) => {
        const [x, scale, shift, mean, variance] = inputs as Five;
        return frozenBatchNorm(x, { scale, shift, epsilon: 1 }, { mean, variance });
      },
      (...inputs) => {
        const [x, scale, shift, mean, variance] = inputs as Five;
        const own = { scale, shift, epsilon: 1 };
        return stockBatchNorm.frozenBatchNorm(x, own, { mean, variance });
      },
    ],
    { slopes: 3, tolerance: 1e-4 },
  );
}

/** The activation between the two matrices of a block. */
export function geluPair(rows: number, channels: number): Pair {
  return pair(
    () => [numbers([rows, channels])],
    [(x) => gelu(x as tf.Tensor), (x) => stockGelu(x as tf.Tensor)],
    { slopes: 1 },
  );
}

/** A factor per channel. */
export function scaleChannelsPair(rows: number, channels: number): Pair {
  return pair(
    () => [numbers([rows, channels]), numbers([channels], "scale")],
    [
      (x, scale) => scaleChannels(x as tf.Tensor, scale as tf.Tensor),
      (x, scale) => stockScaleChannels(x as tf.Tensor, scale as tf.Tensor),
    ],
    { slopes: 2, tolerance: 1e-4 },
  );
}

/** Dropout; both drop the same. */
export function dropoutPair(shape: MapShape, unit: DropoutUnit): Pair {
  const key = { seed: 1, stream: 2, iteration: 3 };
  return pair(
    () => [numbers(shape)],
    [
      (x) => dropout(x as tf.Tensor, 0.1, unit, key),
      (x) => stockDropout(x as tf.Tensor, 0.1, unit, key),
    ],
    { slopes: 1 },
  );
}

function affine(channels: number): [tf.Tensor, tf.Tensor] {
  return [numbers([channels], "scale"), numbers([channels], "shift")];
}
