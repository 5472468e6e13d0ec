import * as tf from "../../src/core/tf.ts";
import type * as ours from "../../src/ops/position_bias/position_bias.ts";
import { windowBiasReference } from "../../src/ops/position_bias/reference.ts";
import type { WindowSizes } from "../../src/ops/window_partition/window_partition.ts";

/** Entries of a table: one per offset, and three of the class token. */
export const gridPositionBiasEntries: typeof ours.gridPositionBiasEntries = (
  height,
  width,
) => (2 * height - 1) * (2 * width - 1) + 3;

/** Scores plus biases of the grid, framed by those of the class token. */
export const gridPositionBias: typeof ours.gridPositionBias = (
  ...[scores, table, grid, tableGrid]
) => {
  const [entries, heads] = table.shape;
  const N = grid[0] * grid[1];
  return tf.tidy(() => {
    const offsets = tf.slice(table, [0, 0], [entries - 3, heads]);
    const pairs = relativeBias(offsets, grid, tableGrid); // [heads, N, N]
    const special = (i: number, shape: [number, number]) => {
      const one = tf.slice(table, [entries - 3 + i, 0], [1, heads]);
      return tf.tile(tf.reshape(one, [heads, 1, 1]), [1, ...shape]);
    };
    const top = tf.concat([special(2, [1, 1]), special(0, [1, N])], 2);
    const below = tf.concat([special(1, [N, 1]), pairs], 2);
    return tf.add(scores, tf.concat([top, below], 1)); // [heads, N + 1, N + 1]
  });
};

// As a network keeps them: made once per size of its maps.
const masks = new Map<string, Float32Array>();

/** Scores plus looked-up biases plus a constant mask. */
export function windowPositionBias(
  scores: tf.Tensor4D,
  table: tf.Tensor2D,
  { window, shift, rows, columns }: WindowSizes,
): tf.Tensor4D {
  const [count, heads, pixels] = scores.shape;
  return tf.tidy(() => {
    const bias = relativeBias(table, [window, window], [window, window]);
    const biased = tf.add<tf.Tensor4D>(scores, bias);
    if (shift === 0) return biased;
    const mask = tf.tensor(
      maskOf({ window, shift, rows, columns }),
      [1, rows * columns, 1, pixels, pixels],
    );
    const images = count / (rows * columns);
    const grouped = tf.reshape(biased, [images, rows * columns, heads, pixels, pixels]);
    return tf.reshape(tf.add(grouped, mask), scores.shape);
  });
}

function maskOf(sizes: Pick<WindowSizes, "window" | "shift" | "rows" | "columns">) {
  const key = JSON.stringify(sizes);
  const known = masks.get(key);
  if (known !== undefined) return known;
  const { window, rows, columns } = sizes;
  const scores = new Float32Array(rows * columns * window ** 4);
  const out = new Float32Array(scores.length);
  const table = new Float32Array((2 * window - 1) ** 2);
  windowBiasReference({ scores, table, out }, { ...sizes, heads: 1 });
  masks.set(key, out);
  return out;
}

// The entry of every pair of grid places in a table [(2·TH − 1)·(2·TW − 1), heads] of offsets,
// row by row: [heads, N, N], N = height · width.
//
// webgpu looks them up. wasm has no gradient of that, so it stacks slices: a row of pairs at
// one offset of rows is a piece of the reversed table.
function relativeBias(
  table: tf.Tensor2D,
  [height, width]: readonly [number, number],
  [tableHeight, tableWidth]: readonly [number, number],
): tf.Tensor3D {
  const heads = table.shape[1];
  const N = height * width;
  const [tall, wide] = [2 * tableHeight - 1, 2 * tableWidth - 1];
  if (tf.getBackend() === "webgpu") {
    const entries = new Int32Array(N * N);
    for (let i = 0; i < N; i++) {
      for (let j = 0; j < N; j++) {
        const y = Math.floor(i / width) - Math.floor(j / width) + tableHeight - 1;
        entries[i * N + j] = y * wide + i % width - j % width + tableWidth - 1;
      }
    }
    return tf.tidy(() => {
      const pairs = tf.gather(table, tf.tensor1d(entries, "int32")); // [N·N, heads]
      return tf.reshape<tf.Rank.R3>(tf.transpose(pairs), [heads, N, N]);
    });
  }
  return tf.tidy(() => {
    // Reversed, so that rising j is a rising index: offset i − j is at T − 1 − (i − j).
    const grid = tf.reverse(tf.reshape(table, [tall, wide, heads]), [0, 1]);
    const columns = Array.from(
      { length: width },
      (_, x) => tf.slice(grid, [0, tableWidth - 1 - x, 0], [tall, width, heads]),
    );
    const byOffset = tf.stack(columns, 1); // [tall, xi, xj, heads]
    const rows = Array.from(
      { length: height },
      (_, y) =>
        tf.slice(byOffset, [tableHeight - 1 - y, 0, 0, 0], [height, width, width, heads]),
    );
    const pairs = tf.stack(rows); // [yi, yj, xi, xj, heads]
    return tf.reshape(tf.transpose(pairs, [4, 0, 2, 1, 3]), [heads, N, N]);
  });
}
