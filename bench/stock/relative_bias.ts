import * as tf from "../../src/core/tf.ts";

/**
 * The entry of every pair of grid places in a table of offsets.
 *
 * webgpu looks them up. wasm has no gradient of that, so it stacks slices: a row of pairs
 * at one offset of rows is a piece of the reversed table.
 *
 * @param table Offsets row by row. [(2·TH − 1)·(2·TW − 1), heads]
 * @returns [heads, N, N], N = height · width
 */
export function relativeBias(
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
