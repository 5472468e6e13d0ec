/** Attention and what belongs to it. @module */
import type * as tf from "../../src/core/tf.ts";
import { attention, singleHeadAttention } from "../../src/ops/attention/attention.ts";
import { gramMatrix } from "../../src/ops/outer_products.ts";
import {
  gridPositionBias,
  gridPositionBiasEntries,
  windowPositionBias,
} from "../../src/ops/position_bias/position_bias.ts";
import {
  windowPartition,
  windowReverse,
  windowSizes,
} from "../../src/ops/window_partition/window_partition.ts";
import {
  attention as tfjsAttention,
  singleHeadAttention as tfjsSingleHead,
} from "../tfjs/attention.ts";
import { gramMatrix as tfjsGram } from "../tfjs/outer_products.ts";
import {
  gridPositionBias as tfjsGridBias,
  windowPositionBias as tfjsWindowBias,
} from "../tfjs/position_bias.ts";
import * as tfjsWindows from "../tfjs/window_partition.ts";
import type { MapShape } from "./convolution.ts";
import { normalTensor, type Pair, pair } from "./pair.ts";

/** Multi-head attention of N tokens to M coarser ones. */
export function attentionPair(
  [B, N, M, C]: readonly [number, number, number, number],
  heads: number,
): Pair {
  return pair(
    () => [normalTensor([B, N, C]), normalTensor([B, M, 2 * C], "key and value")],
    [
      (q, kv) => attention(q as tf.Tensor3D, kv as tf.Tensor3D, heads),
      (q, kv) => tfjsAttention(q as tf.Tensor3D, kv as tf.Tensor3D, heads),
    ],
    { differentiableInputs: 2, flops: 4 * B * N * M * C, tolerance: 1e-4 },
  );
}

/** Attention with one head of D numbers to values of C. */
export function singleHeadPair(
  [B, N, M]: readonly [number, number, number],
  [D, C]: readonly [number, number],
): Pair {
  type Inputs = [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
  return pair(
    () => [
      normalTensor([B, N, D]),
      normalTensor([B, M, D], "key"),
      normalTensor([B, M, C], "value"),
    ],
    [
      (...inputs) => singleHeadAttention(...inputs as Inputs, D ** -0.5),
      (...inputs) => tfjsSingleHead(...inputs as Inputs, D ** -0.5),
    ],
    { differentiableInputs: 3, flops: 2 * B * N * M * (C + D), tolerance: 1e-4 },
  );
}

/** Products of all pairs of channels. */
export function gramPair([B, N, C]: readonly [number, number, number]): Pair {
  return pair(
    () => [normalTensor([B, N, C])],
    [(x) => gramMatrix(x as tf.Tensor3D), (x) => tfjsGram(x as tf.Tensor3D)],
    { differentiableInputs: 1, flops: 2 * B * N * C * C, tolerance: 1e-4 },
  );
}

/** Maps to windows and back. */
export function windowsPair(shape: MapShape, window: number, shift: number): Pair {
  return pair(
    () => [normalTensor(shape)],
    [
      (x) => {
        const sizes = windowSizes(x as tf.Tensor4D, window, shift);
        return windowReverse(windowPartition(x as tf.Tensor4D, sizes), sizes);
      },
      (x) => {
        const sizes = tfjsWindows.windowSizes(x as tf.Tensor4D, window, shift);
        const windows = tfjsWindows.windowPartition(x as tf.Tensor4D, sizes);
        return tfjsWindows.windowReverse(windows, sizes);
      },
    ],
    { differentiableInputs: 1 },
  );
}

/** Biases inside the windows of one map. */
export function windowBiasPair(
  [rows, columns]: readonly [number, number],
  heads: number,
  window: number,
  shift: number,
): Pair {
  const pixels = window ** 2;
  const sizes = {
    height: rows * window,
    width: columns * window,
    channels: heads,
    window,
    shift,
    rows,
    columns,
  };
  return pair(
    () => [
      normalTensor([rows * columns, heads, pixels, pixels]),
      normalTensor([(2 * window - 1) ** 2, heads], "table"),
    ],
    [
      (x, table) => windowPositionBias(x as tf.Tensor4D, table as tf.Tensor2D, sizes),
      (x, table) => tfjsWindowBias(x as tf.Tensor4D, table as tf.Tensor2D, sizes),
    ],
    { differentiableInputs: 2, tolerance: 1e-4 },
  );
}

/** Biases among the tokens of a grid. */
export function gridBiasPair(
  grid: readonly [number, number],
  tableGrid: readonly [number, number],
  heads: number,
): Pair {
  const N = 1 + grid[0] * grid[1];
  return pair(
    () => [
      normalTensor([1, heads, N, N]),
      normalTensor([gridPositionBiasEntries(...tableGrid), heads], "table"),
    ],
    [
      (x, table) =>
        gridPositionBias(x as tf.Tensor4D, table as tf.Tensor2D, grid, tableGrid),
      (x, table) => tfjsGridBias(x as tf.Tensor4D, table as tf.Tensor2D, grid, tableGrid),
    ],
    { differentiableInputs: 2, tolerance: 1e-4 },
  );
}
