import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import {
  complementaryDropout,
  drawComplementaryDropout,
} from "../../src/augment/complementary_dropout.ts";
import { onEachBackend, tensorsKeptBy } from "../support/mod.ts";

Deno.test("drawComplementaryDropout() shares the channels of half of the images", () => {
  const channels = 40;
  for (const [batchSize, keptImages] of [[1, 0], [2, 1], [4, 2], [5, 2]] as const) {
    const chosen = new Set<number>();
    for (let t = 0; t < 30; t++) {
      const random = createRandom(1, "d", t);
      const factors = drawComplementaryDropout({ batchSize }, channels, random);
      assert.equal(factors.length, 2 * batchSize * channels);
      const [first, second] = [0, 1].map((view) =>
        Array.from({ length: batchSize }, (_, b) => {
          const from = (view * batchSize + b) * channels;
          return [...factors.slice(from, from + channels)];
        })
      );
      const kept = first?.flatMap((row, b) => row.every((x) => x === 1) ? [b] : []) ?? [];
      assert.equal(kept.length, keptImages);
      kept.forEach((b) => chosen.add(b));
      first?.forEach((row, b) => {
        assert.ok(row.every((x, c) => x + (second?.[b]?.[c] ?? NaN) === 2));
        const dropped = row.filter((x) => x === 0).length;
        if (!kept.includes(b)) assert.ok(dropped > 5 && dropped < 35, `${dropped}`);
      });
    }
    if (keptImages > 0) assert.equal(chosen.size, batchSize, "any image can be kept");
  }
});

onEachBackend("complementaryDropout() has the same channels for all maps", async () => {
  const maps = [[2, 2, 3, 4], [2, 1, 1, 2]].map((shape) =>
    tf.ones<tf.Rank.R4>(shape as [number, number, number, number])
  );
  const factors = Float32Array.of(0, 2, 2, 0, 2, 0, 0, 2);
  const [wide, narrow] = complementaryDropout(maps, factors);
  const pixels = [...await readBack(wide ?? assert.fail())];
  assert.deepEqual(
    pixels,
    [[0, 2, 2, 0], [2, 0, 0, 2]].flatMap((row) => Array(6).fill(row).flat()),
  );
  assert.deepEqual([...await readBack(narrow ?? assert.fail())], [0, 2, 2, 0]);
  assert.equal(tensorsKeptBy(() => complementaryDropout(maps, factors)), 2);
});
