import * as tf from "../../src/core/tf.ts";
import type { TokenGrid } from "../../src/ops/grid_bias.ts";
import { relativeBias } from "./relative_bias.ts";

/** Entries of a table: one per offset, and three of the class token. */
export const gridBiasEntries = (height: number, width: number): number =>
  (2 * height - 1) * (2 * width - 1) + 3;

/** Scores plus biases of the grid, framed by those of the class token. */
export function gridBias(
  scores: tf.Tensor4D,
  table: tf.Tensor2D,
  [height, width]: TokenGrid,
  tableGrid: TokenGrid,
): tf.Tensor4D {
  const [entries, heads] = table.shape;
  const N = height * width;
  return tf.tidy(() => {
    const offsets = tf.slice(table, [0, 0], [entries - 3, heads]);
    const pairs = relativeBias(offsets, [height, width], tableGrid); // [heads, N, N]
    const special = (i: number, shape: [number, number]) => {
      const one = tf.slice(table, [entries - 3 + i, 0], [1, heads]);
      return tf.tile(tf.reshape(one, [heads, 1, 1]), [1, ...shape]);
    };
    const top = tf.concat([special(2, [1, 1]), special(0, [1, N])], 2);
    const below = tf.concat([special(1, [N, 1]), pairs], 2);
    return tf.add(scores, tf.concat([top, below], 1)); // [heads, N + 1, N + 1]
  });
}
