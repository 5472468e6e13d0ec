import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { createRandom, hashStreamName } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import { gatherRows } from "../../src/ops/gather_rows/gather_rows.ts";
import { sampleFromRows } from "../../src/ops/sample_from_rows/sample_from_rows.ts";
import { uniformAt } from "../objectives/reference_contrast.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
} from "../support/mod.ts";

const KEY = { seed: 3, stream: hashStreamName("draws"), forwardIndex: 7 };
const SAMPLES = 9;

/** Rows of which none, one, few, many and all elements are not 0. */
function maskOf(columns: number): number[][] {
  const random = createRandom(1, "mask");
  return [0, 1 / columns, 5 / columns, 0.3, 1].map((fraction) =>
    Array.from({ length: columns }, () => random.uniform() < fraction ? 1 : 0)
  );
}

for (const columns of [1, 255, 256, 257, 1000]) {
  onEachBackend(
    `sampleFromRows() samples nonzero elements of ${columns} columns`,
    async () => {
      const rows = maskOf(columns);
      for (const stratified of [false, true]) {
        const found = sampleFromRows(tf.tensor2d(rows), SAMPLES, stratified, KEY);
        const expected = rows.flatMap((row, r) => {
          const nonzero = row.flatMap((element, column) => element === 1 ? [column] : []);
          const n = nonzero.length;
          return Array.from({ length: SAMPLES }, (_, j) => {
            const u = uniformAt(KEY.seed, "draws", KEY.forwardIndex, r * SAMPLES + j);
            const first = Math.floor(j * n / SAMPLES);
            const width = Math.floor((j + 1) * n / SAMPLES) - first;
            const k = !stratified
              ? Math.floor(u * n)
              : n <= SAMPLES
              ? j
              : first + Math.floor(u * width);
            return nonzero[k] ?? -1;
          });
        });
        assert.deepEqual(Array.from(await readBack(found.index)), expected);
        const totals = rows.map((row) => row.reduce((a, b) => a + b));
        assert.deepEqual(Array.from(await readBack(found.counts)), totals);
      }
    },
  );
}

const INDEX = [[4, 0, 4], [-1, 2, -1], [6, 6, 6]];

onEachBackend("gatherRows() copies rows, and zeros for a negative index", async () => {
  const x = randomTensor<tf.Rank.R2>([7, 5]);
  const values = await readBack(x);
  const expected = INDEX.flat().flatMap((row) =>
    Array.from({ length: 5 }, (_, d) => row < 0 ? 0 : values[row * 5 + d] ?? NaN)
  );
  await assertClose(gatherRows(x, tf.tensor2d(INDEX, [3, 3], "int32")), expected, 0);
});

onEachBackend(
  "gatherRows() matches finite-difference gradients with repeated rows",
  () =>
    assertGradients(
      (x) => gatherRows(x as tf.Tensor2D, tf.tensor2d(INDEX, [3, 3], "int32")),
      [randomTensor([7, 5])],
    ),
);
