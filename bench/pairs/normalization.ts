/** Normalizations, activations and dropout. @module */
import type * as tf from "../../src/core/tf.ts";
import {
  batchMoments,
  batchNorm,
  frozenBatchNorm,
} from "../../src/ops/batch_norm/batch_norm.ts";
import { dropout, type DropoutUnit } from "../../src/ops/dropout/dropout.ts";
import { gelu } from "../../src/ops/gelu/gelu.ts";
import { layerNorm } from "../../src/ops/layer_norm/layer_norm.ts";
import { relu } from "../../src/ops/relu/relu.ts";
import { relu6 } from "../../src/ops/relu/relu6.ts";
import { scaleChannels } from "../../src/ops/scale_channels.ts";
import { softmax } from "../../src/ops/softmax/softmax.ts";
import * as tfjsBatchNorm from "../tfjs/batch_norm.ts";
import { dropout as tfjsDropout } from "../tfjs/dropout.ts";
import { gelu as tfjsGelu } from "../tfjs/gelu.ts";
import { layerNorm as tfjsLayerNorm } from "../tfjs/layer_norm.ts";
import { relu as tfjsRelu } from "../tfjs/relu.ts";
import { relu6 as tfjsRelu6 } from "../tfjs/relu6.ts";
import { scaleChannels as tfjsScaleChannels } from "../tfjs/scale_channels.ts";
import { softmax as tfjsSoftmax } from "../tfjs/softmax.ts";
import type { MapShape } from "./convolution.ts";
import { normalTensor, type Pair, pair } from "./pair.ts";

const EPSILON = 1e-5;

type Three = [tf.Tensor, tf.Tensor, tf.Tensor];
type Five = [...Three, tf.Tensor, tf.Tensor];

/** Layer norm of tokens. */
export function layerNormPair(rows: number, channels: number): Pair {
  return pair(
    () => [normalTensor([rows, channels]), ...affine(channels)],
    [
      (...[x, scale, shift]) => layerNorm(...[x, scale, shift] as Three, EPSILON),
      (...[x, scale, shift]) => tfjsLayerNorm(...[x, scale, shift] as Three, EPSILON),
    ],
    { differentiableInputs: 3, tolerance: 1e-4 },
  );
}

/** Batch norm by the moments of the maps themselves. */
export function batchNormPair(shape: MapShape): Pair {
  return pair(
    () => [normalTensor(shape), ...affine(shape[3])],
    [
      (...inputs) => {
        const [x, scale, shift] = inputs as Three;
        return batchNorm(x, { scale, shift, epsilon: EPSILON }, batchMoments(x));
      },
      (...inputs) => {
        const [x, scale, shift] = inputs as Three;
        const moments = tfjsBatchNorm.batchMoments(x);
        return tfjsBatchNorm.batchNorm(x, { scale, shift, epsilon: EPSILON }, moments);
      },
    ],
    { differentiableInputs: 3, tolerance: 1e-4 },
  );
}

/** Batch norm by given moments. */
export function frozenBatchNormPair(shape: MapShape): Pair {
  const [, , , C] = shape;
  return pair(
    () => [
      normalTensor(shape),
      ...affine(C),
      normalTensor([C], "mean"),
      normalTensor([C], "variance").square(),
    ],
    [
      (...inputs) => {
        const [x, scale, shift, mean, variance] = inputs as Five;
        return frozenBatchNorm(x, { scale, shift, epsilon: 1 }, { mean, variance });
      },
      (...inputs) => {
        const [x, scale, shift, mean, variance] = inputs as Five;
        const own = { scale, shift, epsilon: 1 };
        return tfjsBatchNorm.frozenBatchNorm(x, own, { mean, variance });
      },
    ],
    { differentiableInputs: 3, tolerance: 1e-4 },
  );
}

/** The activation between the two matrices of a block. */
export function geluPair(rows: number, channels: number): Pair {
  return pair(
    () => [normalTensor([rows, channels])],
    [(x) => gelu(x as tf.Tensor), (x) => tfjsGelu(x as tf.Tensor)],
    { differentiableInputs: 1 },
  );
}

/** The activation after a convolution. */
export function reluPair(rows: number, channels: number): Pair {
  return pair(
    () => [normalTensor([rows, channels])],
    [(x) => relu(x as tf.Tensor), (x) => tfjsRelu(x as tf.Tensor)],
    { differentiableInputs: 1 },
  );
}

/** The activation after a convolution of EfficientNet-Lite. */
export function relu6Pair(rows: number, channels: number): Pair {
  return pair(
    () => [normalTensor([rows, channels])],
    [(x) => relu6(x as tf.Tensor), (x) => tfjsRelu6(x as tf.Tensor)],
    { differentiableInputs: 1 },
  );
}

/** The weights of attention, over the last axis. */
export function softmaxPair(rows: number, columns: number): Pair {
  return pair(
    () => [normalTensor([rows, columns])],
    [(x) => softmax(x as tf.Tensor), (x) => tfjsSoftmax(x as tf.Tensor)],
    { differentiableInputs: 1 },
  );
}

/** A factor per channel. */
export function scaleChannelsPair(rows: number, channels: number): Pair {
  return pair(
    () => [normalTensor([rows, channels]), normalTensor([channels], "scale")],
    [
      (x, scale) => scaleChannels(x as tf.Tensor, scale as tf.Tensor),
      (x, scale) => tfjsScaleChannels(x as tf.Tensor, scale as tf.Tensor),
    ],
    { differentiableInputs: 2, tolerance: 1e-4 },
  );
}

/** Dropout; both drop the same. */
export function dropoutPair(shape: MapShape, unit: DropoutUnit): Pair {
  const key = { seed: 1, stream: 2, iteration: 3 };
  return pair(
    () => [normalTensor(shape)],
    [
      (x) => dropout(x as tf.Tensor, 0.1, unit, key),
      (x) => tfjsDropout(x as tf.Tensor, 0.1, unit, key),
    ],
    { differentiableInputs: 1 },
  );
}

function affine(channels: number): [tf.Tensor, tf.Tensor] {
  return [normalTensor([channels], "scale"), normalTensor([channels], "shift")];
}
