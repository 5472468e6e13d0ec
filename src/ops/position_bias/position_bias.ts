/** Biases of attention per relative position of two tokens, looked up in a table. @module */
import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import { columnSum } from "../sums/sums.ts";
import type { WindowSizes } from "../window_partition/window_partition.ts";
import gridForwardShader from "./grid_forward.wgsl" with { type: "text" };
import gridGradientShader from "./grid_table_gradient.wgsl" with { type: "text" };
import {
  GRID_UNIFORMS,
  gridBiasReference,
  gridTableGradientReference,
  WINDOW_BIAS_UNIFORMS,
  windowBiasReference,
  windowTableGradientReference,
} from "./reference.ts";
import windowForwardShader from "./window_forward.wgsl" with { type: "text" };
import windowGradientShader from "./window_table_gradient.wgsl" with { type: "text" };

const ARRAYS = {
  inputs: { scores: "f32", table: "f32" },
  outputs: { out: "f32" },
} as const;
const GRADIENT_ARRAYS = {
  inputs: { dy: "f32" },
  outputs: { dtable: "f32" },
} as const;

const GRID = defineKernel({
  name: "gridPositionBias",
  uniforms: GRID_UNIFORMS,
  ...ARRAYS,
  shader: gridForwardShader,
  reference: gridBiasReference,
});

const GRID_GRADIENT = defineKernel({
  name: "gridPositionBiasTableGradient",
  uniforms: GRID_UNIFORMS,
  ...GRADIENT_ARRAYS,
  shader: gridGradientShader,
  reference: gridTableGradientReference,
});

const WINDOW = defineKernel({
  name: "windowPositionBias",
  uniforms: WINDOW_BIAS_UNIFORMS,
  ...ARRAYS,
  shader: windowForwardShader,
  reference: windowBiasReference,
});

const WINDOW_GRADIENT = defineKernel({
  name: "windowPositionBiasTableGradient",
  uniforms: { heads: "u32", window: "u32" },
  ...GRADIENT_ARRAYS,
  shader: windowGradientShader,
  reference: windowTableGradientReference,
});

/** Rows and columns of tokens. */
export type TokenGrid = readonly [height: number, width: number];

/** Entries of a table: one per offset of two tokens of its grid, and three of the class token. */
export const gridPositionBiasEntries = (height: number, width: number): number =>
  (2 * height - 1) * (2 * width - 1) + 3;

/**
 * Biases of attention among a class token and the tokens of a grid: y[b, h, i, j] =
 * scores[b, h, i, j] + table[entry(i, j), h].
 *
 * Between tokens of the grid the entry is (yi − yj + TH − 1)·(2·TW − 1) + xi − xj + TW − 1,
 * TH × TW being the grid that the table is made for; any grid up to that can use it. The
 * last three entries are for class → grid, grid → class and class → class.
 *
 * Source: Bao et al., "BEiT" (ICLR 2022), https://arxiv.org/abs/2106.08254; order of the
 * table as in their code and mmsegmentation's.
 *
 * @param scores The class token comes first. [B, heads, N, N], N = 1 + height · width
 * @param table [(2·TH − 1)·(2·TW − 1) + 3, heads]
 * @param grid Of the tokens.
 * @param tableGrid The largest grid the table is made for, TH and TW.
 * @returns Like scores; the caller owns it.
 * @throws {RangeError} If the scores are not of this grid, or the table not of its grid
 * and these heads, or the grid is larger than that of the table.
 */
export function gridPositionBias(
  scores: tf.Tensor4D,
  table: tf.Tensor2D,
  [height, width]: TokenGrid,
  [tableHeight, tableWidth]: TokenGrid,
): tf.Tensor4D {
  const [, heads, tokens] = scores.shape;
  const entries = gridPositionBiasEntries(tableHeight, tableWidth);
  if (
    tokens !== 1 + height * width || height > tableHeight || width > tableWidth ||
    table.shape[0] !== entries || table.shape[1] !== heads
  ) {
    throw new RangeError(
      `Cannot add biases to scores [${scores.shape}] of ${height}×${width} tokens: "table" ` +
        `must be [${entries}, ${heads}], made for at least as many tokens: received ` +
        `[${table.shape}], made for ${tableHeight}×${tableWidth}`,
    );
  }
  const uniforms = { heads, height, width, tableHeight, tableWidth };
  return withTable(
    scores,
    table,
    (inputs, outputs) => launch(GRID, { uniforms, inputs, outputs }).out,
    (dy, outputs) => launch(GRID_GRADIENT, { uniforms, inputs: { dy }, outputs }).dtable,
  );
}

/**
 * Biases of attention inside windows: y[n, h, p, q] = scores[n, h, p, q] + table[Δ, h], Δ
 * being the entry (py − qy + w − 1)·(2w − 1) + (px − qx + w − 1) of pixels p and q.
 *
 * Between pixels that are neighbors only because the maps were rolled it adds −100, which
 * softmax turns into nothing. Padding is not masked, as in the reference.
 *
 * Source: Liu et al., "Swin Transformer" (ICCV 2021), https://arxiv.org/abs/2103.14030,
 * equation 4 and figure 4; the −100 is their code's.
 *
 * @param scores [B·R·S, heads, w², w²]
 * @param table [(2w − 1)², heads]
 * @param sizes How the windows were cut.
 * @returns Like scores; the caller owns it.
 * @throws {RangeError} If the table is not of this window and these heads.
 */
export function windowPositionBias(
  scores: tf.Tensor4D,
  table: tf.Tensor2D,
  { window, shift, rows, columns }: WindowSizes,
): tf.Tensor4D {
  const [, heads, pixels] = scores.shape;
  const entries = (2 * window - 1) ** 2;
  if (pixels !== window ** 2 || table.shape[0] !== entries || table.shape[1] !== heads) {
    throw new RangeError(
      `Cannot add biases to scores [${scores.shape}] of windows of ${window}²: "table" ` +
        `must be [${entries}, ${heads}]: received [${table.shape}]`,
    );
  }
  const sizes = { heads, window };
  const uniforms = { ...sizes, shift, rows, columns };
  return withTable(
    scores,
    table,
    (inputs, outputs) => launch(WINDOW, { uniforms, inputs, outputs }).out,
    (dy, outputs) =>
      launch(WINDOW_GRADIENT, { uniforms: sizes, inputs: { dy }, outputs }).dtable,
  );
}

// The gradient of the scores passes through; that of the table sums over the batch first.
function withTable(
  scores: tf.Tensor4D,
  table: tf.Tensor2D,
  forward: (
    inputs: { readonly scores: tf.Tensor; readonly table: tf.Tensor },
    outputs: { readonly out: readonly number[] },
  ) => tf.Tensor,
  tableGradient: (
    dy: tf.Tensor,
    outputs: { readonly dtable: readonly number[] },
  ) => tf.Tensor,
): tf.Tensor4D {
  const [, heads, tokens] = scores.shape;
  return tf.differentiable<tf.Tensor4D>(
    { scores, table },
    () => forward({ scores, table }, { out: scores.shape }),
    (dy) => ({
      scores: () => tf.clone(dy),
      table: () => {
        const sum = columnSum(tf.reshape(dy, [-1, heads * tokens ** 2]));
        return tableGradient(sum, { dtable: table.shape });
      },
    }),
  );
}
