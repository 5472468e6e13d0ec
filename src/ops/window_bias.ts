import * as tf from "../core/tf.ts";
import { columnSum } from "../kernels/column_sum/mod.ts";
import * as kernel from "../kernels/window_bias/mod.ts";
import type { WindowSizes } from "../kernels/windows/mod.ts";

/**
 * Biases of attention inside windows: y[n, h, p, q] = scores[n, h, p, q] + table[Δ, h], Δ
 * being the entry (py − qy + w − 1)·(2w − 1) + (px − qx + w − 1) of pixels p and q.
 *
 * Between pixels that are neighbours only because the maps were rolled it adds −100, which
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
export function windowBias(
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
  const sizes = { heads, window, shift, rows, columns };
  return tf.differentiable<tf.Tensor4D>(
    { scores, table },
    () => kernel.windowBias(scores, table, sizes),
    (dy) => ({
      scores: () => tf.clone(dy),
      table: () => {
        const sum = columnSum(tf.reshape(dy, [-1, heads * pixels ** 2]));
        return kernel.windowBiasTableGradient(sum, sizes);
      },
    }),
  );
}
