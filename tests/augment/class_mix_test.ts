import assert from "node:assert/strict";
import {
  chooseClasses,
  classMixMask,
  uniqueLabels,
} from "../../src/augment/class_mix.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";

const LABELS = Uint8Array.of(0, 0, 5, 255, 3, 3, 3, 3);

Deno.test("uniqueLabels() is sorted and includes the ignore index", () => {
  assert.deepEqual(uniqueLabels(LABELS), [0, 3, 5, 255]);
});

Deno.test("chooseClasses() draws half of the classes, rounded up", () => {
  const chosenCounts = [1, 2, 3, 4, 5, 19, 20].map((count) => {
    const labels = Uint8Array.from({ length: count }, (_, i) => i);
    return chooseClasses(labels, 1, "batch", createRandom(1, "mix"))[0]?.length;
  });
  assert.deepEqual(chosenCounts, [1, 1, 2, 2, 3, 10, 10]);
});

Deno.test('chooseClasses() with "image" draws from the classes of each image', () => {
  const [first, second] = chooseClasses(LABELS, 2, "image", createRandom(1, "mix"));
  assert.ok(first?.every((label) => [0, 5, 255].includes(label)));
  assert.equal(first?.length, 2);
  assert.deepEqual(second, [3]);
});

Deno.test("chooseClasses() depends on the seed only", () => {
  const draw = (seed: number) =>
    chooseClasses(LABELS, 2, "batch", createRandom(seed, "mix"));
  assert.deepEqual(draw(1), draw(1));
  const draws = new Set([1, 2, 3, 4, 5].map((seed) => JSON.stringify(draw(seed))));
  assert.ok(draws.size > 1);
});

onEachBackend("classMixMask() marks the given classes of each sample", async () => {
  const labels = tf.tensor3d(Int32Array.from(LABELS), [2, 2, 2], "int32");
  await assertClose(classMixMask(labels, [[255, 0], [5]]), [1, 1, 0, 1, 0, 0, 0, 0], 0);
});
