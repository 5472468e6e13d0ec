/** Attention and what belongs to it. @module */
import type * as tf from "../../src/core/tf.ts";
import { attention } from "../../src/ops/attention.ts";
import { gram } from "../../src/ops/gram.ts";
import { gridBias, gridBiasEntries } from "../../src/ops/grid_bias.ts";
import { singleHeadAttention } from "../../src/ops/single_head_attention.ts";
import { windowBias } from "../../src/ops/window_bias.ts";
import { joinWindows, splitWindows, windowSizes } from "../../src/ops/windows.ts";
import { attention as stockAttention } from "../stock/attention.ts";
import { gram as stockGram } from "../stock/gram.ts";
import { gridBias as stockGridBias } from "../stock/grid_bias.ts";
import { singleHeadAttention as stockSingleHead } from "../stock/single_head_attention.ts";
import { windowBias as stockWindowBias } from "../stock/window_bias.ts";
import * as stockWindows from "../stock/windows.ts";
import type { MapShape } from "./convolution.ts";
import { numbers, type Pair, pair } from "./pair.ts";

/** Multi-head attention of N tokens to M coarser ones. */
export function attentionPair(
  [B, N, M, C]: readonly [number, number, number, number],
  heads: number,
): Pair {
  return pair(
    () => [numbers([B, N, C]), numbers([B, M, 2 * C], "key and value")],
    [
      (q, kv) => attention(q as tf.Tensor3D, kv as tf.Tensor3D, heads),
      (q, kv) => stockAttention(q as tf.Tensor3D, kv as tf.Tensor3D, heads),
    ],
    { slopes: 2, flops: 4 * B * N * M * C, tolerance: 1e-4 },
  );
}

/** Attention with one head of D numbers to values of C. */
export function singleHeadPair(
  [B, N, M]: readonly [number, number, number],
  [D, C]: readonly [number, number],
): Pair {
  type Inputs = [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
  return pair(
    () => [numbers([B, N, D]), numbers([B, M, D], "key"), numbers([B, M, C], "value")],
    [
      (...inputs) => singleHeadAttention(...inputs as Inputs, D ** -0.5),
      (...inputs) => stockSingleHead(...inputs as Inputs, D ** -0.5),
    ],
    { slopes: 3, flops: 2 * B * N * M * (C + D), tolerance: 1e-4 },
  );
}

/** Products of all pairs of channels. */
export function gramPair([B, N, C]: readonly [number, number, number]): Pair {
  return pair(
    () => [numbers([B, N, C])],
    [(x) => gram(x as tf.Tensor3D), (x) => stockGram(x as tf.Tensor3D)],
    { slopes: 1, flops: 2 * B * N * C * C, tolerance: 1e-4 },
  );
}

/** Maps to windows and back. */
export function windowsPair(shape: MapShape, window: number, shift: number): Pair {
  return pair(
    () => [numbers(shape)],
    [
      (x) => {
        const sizes = windowSizes(x as tf.Tensor4D, window, shift);
        return joinWindows(splitWindows(x as tf.Tensor4D, sizes), sizes);
      },
      (x) => {
        const sizes = stockWindows.windowSizes(x as tf.Tensor4D, window, shift);
        const windows = stockWindows.splitWindows(x as tf.Tensor4D, sizes);
        return stockWindows.joinWindows(windows, sizes);
      },
    ],
    { slopes: 1 },
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
      numbers([rows * columns, heads, pixels, pixels]),
      numbers([(2 * window - 1) ** 2, heads], "table"),
    ],
    [
      (x, table) => windowBias(x as tf.Tensor4D, table as tf.Tensor2D, sizes),
      (x, table) => stockWindowBias(x as tf.Tensor4D, table as tf.Tensor2D, sizes),
    ],
    { slopes: 2, tolerance: 1e-4 },
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
      numbers([1, heads, N, N]),
      numbers([gridBiasEntries(...tableGrid), heads], "table"),
    ],
    [
      (x, table) => gridBias(x as tf.Tensor4D, table as tf.Tensor2D, grid, tableGrid),
      (x, table) =>
        stockGridBias(x as tf.Tensor4D, table as tf.Tensor2D, grid, tableGrid),
    ],
    { slopes: 2, tolerance: 1e-4 },
  );
}
