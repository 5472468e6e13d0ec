import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import {
  gridPositionBias,
  gridPositionBiasEntries,
  type TokenGrid,
  windowPositionBias,
} from "../../src/ops/position_bias/position_bias.ts";
import {
  windowPartition,
  windowSizes,
} from "../../src/ops/window_partition/window_partition.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

const GRID_HEADS = 3;
const TABLE_GRID: TokenGrid = [3, 4];
// As many tokens as the table is made for, fewer of both, and a single one.
const GRIDS: readonly TokenGrid[] = [TABLE_GRID, [2, 3], [3, 1], [1, 1]];

const gridExample = ([height, width]: TokenGrid, batch = 2) => {
  const tokens = 1 + height * width;
  return {
    scores: randomTensor<tf.Rank.R4>([batch, GRID_HEADS, tokens, tokens], "scores"),
    table: randomTensor<tf.Rank.R2>(
      [gridPositionBiasEntries(...TABLE_GRID), GRID_HEADS],
      "table",
    ),
  };
};

/** The table entry of two tokens, from their positions. */
function entryOf(i: number, j: number, width: number): number {
  const entries = gridPositionBiasEntries(...TABLE_GRID);
  if (i === 0 && j === 0) return entries - 1;
  if (i === 0) return entries - 3;
  if (j === 0) return entries - 2;
  const down = Math.floor((i - 1) / width) - Math.floor((j - 1) / width);
  const right = (i - 1) % width - (j - 1) % width;
  return (down + TABLE_GRID[0] - 1) * (2 * TABLE_GRID[1] - 1) + right + TABLE_GRID[1] - 1;
}

onEachBackend("gridPositionBias() adds the table entry of each token pair", async () => {
  for (const grid of GRIDS) {
    const { scores, table } = gridExample(grid);
    const [B, , N] = scores.shape;
    const rows = await readBack(table);
    const expected = Float32Array.from(await readBack(scores), (score, k) => {
      const [h, i, j] = [
        Math.floor(k / N ** 2) % GRID_HEADS,
        Math.floor(k / N) % N,
        k % N,
      ];
      return score + (rows[entryOf(i, j, grid[1]) * GRID_HEADS + h] ?? NaN);
    });
    const found = gridPositionBias(scores, table, grid, TABLE_GRID);
    assert.deepEqual(found.shape, [B, GRID_HEADS, N, N]);
    await assertClose(found, expected, 1e-6, `${grid}`);
  }
});

onEachBackend("gridPositionBias() matches finite-difference gradients", async () => {
  for (const grid of GRIDS) {
    const { scores, table } = gridExample(grid);
    await assertGradients(
      (scores, table) =>
        gridPositionBias(scores as tf.Tensor4D, table as tf.Tensor2D, grid, TABLE_GRID),
      [scores, table],
    );
  }
});

onEachBackend("gridPositionBias() leaks no tensors", () => {
  const { scores, table } = gridExample(TABLE_GRID);
  assert.equal(
    tensorsKeptBy(() => gridPositionBias(scores, table, TABLE_GRID, TABLE_GRID)),
    1,
  );
  const f = (scores: tf.Tensor, table: tf.Tensor) =>
    gridPositionBias(scores as tf.Tensor4D, table as tf.Tensor2D, TABLE_GRID, TABLE_GRID);
  assert.equal(tensorsKeptBy(() => tf.grads(f)([scores, table])), 2);
});

onEachBackend("gridPositionBias() rejects a table or a grid of another size", () => {
  const { scores, table } = gridExample(TABLE_GRID);
  const expected = { name: "RangeError", message: /^Cannot add biases to scores/ };
  assert.throws(() => gridPositionBias(scores, table, [4, 4], TABLE_GRID), expected);
  assert.throws(() => gridPositionBias(scores, table, TABLE_GRID, [2, 4]), expected);
  assert.throws(() => gridPositionBias(scores, table, TABLE_GRID, [4, 4]), {
    name: "RangeError",
    message: 'Cannot add biases to scores [2,3,13,13] of 3×4 tokens: "table" must be ' +
      "[52, 3], made for at least as many tokens: received [38,3], made for 4×4",
  });
});

const WINDOW_HEADS = 2;

function windowExample(height: number, width: number, window: number, shift: number) {
  const sizes = windowSizes(tf.zeros([2, height, width, 1]), window, shift);
  const count = 2 * sizes.rows * sizes.columns;
  const shape = [count, WINDOW_HEADS, window ** 2, window ** 2] as const;
  return {
    sizes,
    scores: randomTensor<tf.Rank.R4>([...shape], "scores"),
    table: randomTensor<tf.Rank.R2>([(2 * window - 1) ** 2, WINDOW_HEADS], "table"),
  };
}

// The bias as in mmsegmentation: the table indexed by token pairs.
function biasFromIndex(table: tf.Tensor2D, window: number): tf.Tensor {
  const index: number[] = [];
  for (let p = 0; p < window ** 2; p++) {
    for (let q = 0; q < window ** 2; q++) {
      const down = Math.floor(p / window) - Math.floor(q / window);
      const right = p % window - q % window;
      index.push((down + window - 1) * (2 * window - 1) + right + window - 1);
    }
  }
  // A product, because the wasm backend has no gradient of gather.
  const pairs = tf.oneHot(tf.tensor1d(index, "int32"), (2 * window - 1) ** 2);
  const rows = tf.matMul(tf.cast(pairs, "float32"), table); // [N², heads]
  return tf.reshape(tf.transpose(rows), [1, WINDOW_HEADS, window ** 2, window ** 2]);
}

// The mask as in mmsegmentation: the shifted map in nine regions, partitioned into windows.
function mask({ rows, columns, window, shift }: ReturnType<typeof windowSizes>) {
  const [H, W] = [rows * window, columns * window];
  const band = (place: number, side: number) =>
    place < side - window ? 0 : place < side - shift ? 1 : 2;
  const regions = Float32Array.from(
    { length: H * W },
    (_, k) => 3 * band(Math.floor(k / W), H) + band(k % W, W),
  );
  const map = tf.tensor4d(regions, [1, H, W, 1]);
  // Already shifted.
  const windows = windowPartition(map, windowSizes(map, window, 0)); // [R·S, N, 1]
  const N = window ** 2;
  const differ = tf.notEqual(windows, tf.reshape(windows, [-1, 1, N]));
  return tf.mul(tf.reshape(tf.cast(differ, "float32"), [-1, 1, N, N]), -100);
}

onEachBackend("windowPositionBias() adds the table's entries and the mask", async () => {
  const cases = [[8, 8, 4, 2], [9, 6, 4, 1], [3, 5, 3, 1], [2, 3, 3, 1], [4, 2, 2, 0]];
  for (const [H = 0, W = 0, window = 0, shift = 0] of cases) {
    const { sizes, scores, table } = windowExample(H, W, window, shift);
    const batchMask = tf.tile(mask(sizes), [2, 1, 1, 1]); // windows of two images
    const masked = shift === 0 ? tf.zerosLike(batchMask) : batchMask;
    const expected = tf.add(tf.add(scores, biasFromIndex(table, window)), masked);
    const found = windowPositionBias(scores, table, sizes);
    await assertClose(found, expected, 1e-6, `${H}×${W}`);
  }
});

onEachBackend("windowPositionBias() matches finite-difference gradients", async () => {
  for (const shift of [0, 1]) {
    const { sizes, scores, table } = windowExample(4, 5, 3, shift);
    // The mask is constant and too large for differences of float32.
    const f = (scores: tf.Tensor, table: tf.Tensor) =>
      tf.tanh(tf.mul(
        windowPositionBias(scores as tf.Tensor4D, table as tf.Tensor2D, sizes),
        0.1,
      ));
    await assertGradients(f, [scores, table]);
  }
});

onEachBackend(
  "windowPositionBias() has the table gradient of a lookup",
  async () => {
    const { sizes, scores, table } = windowExample(9, 5, 4, 0);
    const dy = randomTensor<tf.Rank.R4>(scores.shape, "dy");
    const found = tf.grad((table) =>
      windowPositionBias(scores, table as tf.Tensor2D, sizes)
    );
    const expected = tf.grad((table) =>
      tf.add(scores, biasFromIndex(table as tf.Tensor2D, sizes.window))
    );
    await assertClose(found(table, dy), expected(table, dy), 2e-6);
  },
);

onEachBackend("windowPositionBias() leaks no tensors", () => {
  const { sizes, scores, table } = windowExample(4, 4, 2, 1);
  assert.equal(tensorsKeptBy(() => windowPositionBias(scores, table, sizes)), 1);
});

onEachBackend("windowPositionBias() rejects a table of another window", () => {
  const { sizes, scores } = windowExample(4, 4, 2, 1);
  assert.throws(() => windowPositionBias(scores, tf.zeros([25, WINDOW_HEADS]), sizes), {
    name: "RangeError",
    message: /"table" must be \[9, 2\]: received \[25,2\]/,
  });
});
