import * as tf from "../core/tf.ts";
import { columnSum } from "../kernels/column_sum/mod.ts";
import * as kernel from "../kernels/grid_bias/mod.ts";

export { gridBiasEntries } from "../kernels/grid_bias/mod.ts";

/** Rows and columns of tokens. */
export type TokenGrid = readonly [height: number, width: number];

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
export function gridBias(
  scores: tf.Tensor4D,
  table: tf.Tensor2D,
  [height, width]: TokenGrid,
  [tableHeight, tableWidth]: TokenGrid,
): tf.Tensor4D {
  const [, heads, tokens] = scores.shape;
  const entries = kernel.gridBiasEntries(tableHeight, tableWidth);
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
  const sizes = { heads, height, width, tableHeight, tableWidth };
  return tf.differentiable<tf.Tensor4D>(
    { scores, table },
    () => kernel.gridBias(scores, table, sizes),
    (dy) => ({
      scores: () => tf.clone(dy),
      table: () => {
        const sum = columnSum(tf.reshape(dy, [-1, heads * tokens ** 2]));
        return kernel.gridBiasTableGradient(sum, sizes);
      },
    }),
  );
}
