import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import { gatherRows } from "../../src/ops/gather_rows.ts";
import { drawFromRows } from "../../src/ops/row_draws.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
} from "../support/mod.ts";
import { uniformAt } from "../objectives/plain_contrast.ts";
import { streamOf } from "../../src/core/random.ts";

const KEY = { seed: 3, stream: streamOf("draws"), evaluation: 7 };
const DRAWS = 9;

/** Rows of which none, one, few, many and all cells are set. */
function maskOf(columns: number): number[][] {
  const random = createRandom(1, "mask");
  return [0, 1 / columns, 5 / columns, 0.3, 1].map((share) =>
    Array.from({ length: columns }, () => random.uniform() < share ? 1 : 0)
  );
}

for (const columns of [1, 255, 256, 257, 1000]) {
  onEachBackend(`drawFromRows() finds set cells of ${columns}`, async () => {
    const rows = maskOf(columns);
    for (const spread of [false, true]) {
      const drawn = drawFromRows(tf.tensor2d(rows), DRAWS, spread, KEY);
      const expected = rows.flatMap((row, r) => {
        const set = row.flatMap((cell, column) => cell === 1 ? [column] : []);
        const n = set.length;
        return Array.from({ length: DRAWS }, (_, j) => {
          const u = uniformAt(KEY.seed, "draws", KEY.evaluation, r * DRAWS + j);
          const first = Math.floor(j * n / DRAWS);
          const width = Math.floor((j + 1) * n / DRAWS) - first;
          const k = !spread
            ? Math.floor(u * n)
            : n <= DRAWS
            ? j
            : first + Math.floor(u * width);
          return set[k] ?? -1;
        });
      });
      assert.deepEqual(Array.from(await readBack(drawn.index)), expected);
      const totals = rows.map((row) => row.reduce((a, b) => a + b));
      assert.deepEqual(Array.from(await readBack(drawn.totals)), totals);
    }
  });
}

const INDEX = [[4, 0, 4], [-1, 2, -1], [6, 6, 6]];

onEachBackend("gatherRows() copies rows, and zeros for a negative index", async () => {
  const x = randomTensor<tf.Rank.R2>([7, 5]);
  const cells = await readBack(x);
  const expected = INDEX.flat().flatMap((row) =>
    Array.from({ length: 5 }, (_, d) => row < 0 ? 0 : cells[row * 5 + d] ?? NaN)
  );
  await assertClose(gatherRows(x, tf.tensor2d(INDEX, [3, 3], "int32")), expected, 0);
});

onEachBackend(
  "gatherRows() has the right gradient where a row is drawn again",
  () =>
    assertGradients(
      (x) => gatherRows(x as tf.Tensor2D, tf.tensor2d(INDEX, [3, 3], "int32")),
      [randomTensor([7, 5])],
    ),
);
