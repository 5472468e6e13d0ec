import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { gridBias, gridBiasEntries, type TokenGrid } from "../../src/ops/grid_bias.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

const HEADS = 3;
const WHOLE: TokenGrid = [3, 4];
// As many tokens as the table is made for, fewer of both, and one alone.
const GRIDS: readonly TokenGrid[] = [WHOLE, [2, 3], [3, 1], [1, 1]];

const example = ([height, width]: TokenGrid, batch = 2) => {
  const tokens = 1 + height * width;
  return {
    scores: randomTensor<tf.Rank.R4>([batch, HEADS, tokens, tokens], "scores"),
    table: randomTensor<tf.Rank.R2>([gridBiasEntries(...WHOLE), HEADS], "table"),
  };
};

/** The entry of two tokens, from their places. */
function entryOf(i: number, j: number, width: number): number {
  const entries = gridBiasEntries(...WHOLE);
  if (i === 0 && j === 0) return entries - 1;
  if (i === 0) return entries - 3;
  if (j === 0) return entries - 2;
  const down = Math.floor((i - 1) / width) - Math.floor((j - 1) / width);
  const right = (i - 1) % width - (j - 1) % width;
  return (down + WHOLE[0] - 1) * (2 * WHOLE[1] - 1) + right + WHOLE[1] - 1;
}

onEachBackend("gridBias() adds the entry of each pair's offset", async () => {
  for (const grid of GRIDS) {
    const { scores, table } = example(grid);
    const [B, , N] = scores.shape;
    const rows = await readBack(table);
    const expected = Float32Array.from(await readBack(scores), (score, k) => {
      const [h, i, j] = [Math.floor(k / N ** 2) % HEADS, Math.floor(k / N) % N, k % N];
      return score + (rows[entryOf(i, j, grid[1]) * HEADS + h] ?? NaN);
    });
    const found = gridBias(scores, table, grid, WHOLE);
    assert.deepEqual(found.shape, [B, HEADS, N, N]);
    await assertClose(found, expected, 1e-6, `${grid}`);
  }
});

onEachBackend("gridBias() has the gradients of finite differences", async () => {
  for (const grid of GRIDS) {
    const { scores, table } = example(grid);
    await assertGradients(
      (scores, table) =>
        gridBias(scores as tf.Tensor4D, table as tf.Tensor2D, grid, WHOLE),
      [scores, table],
    );
  }
});

onEachBackend("gridBias() keeps nothing but its result and its gradients", () => {
  const { scores, table } = example(WHOLE);
  assert.equal(tensorsKeptBy(() => gridBias(scores, table, WHOLE, WHOLE)), 1);
  const f = (scores: tf.Tensor, table: tf.Tensor) =>
    gridBias(scores as tf.Tensor4D, table as tf.Tensor2D, WHOLE, WHOLE);
  assert.equal(tensorsKeptBy(() => tf.grads(f)([scores, table])), 2);
});

onEachBackend("gridBias() names a table or a grid that does not fit", () => {
  const { scores, table } = example(WHOLE);
  const expected = { name: "RangeError", message: /^Cannot add biases to scores/ };
  assert.throws(() => gridBias(scores, table, [4, 4], WHOLE), expected);
  assert.throws(() => gridBias(scores, table, WHOLE, [2, 4]), expected);
  assert.throws(() => gridBias(scores, table, WHOLE, [4, 4]), {
    name: "RangeError",
    message: 'Cannot add biases to scores [2,3,13,13] of 3×4 tokens: "table" must be ' +
      "[52, 3], made for at least as many tokens: received [38,3], made for 4×4",
  });
});
