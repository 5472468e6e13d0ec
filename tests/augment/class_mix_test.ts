import assert from "node:assert/strict";
import {
  chooseClasses,
  classMixMask,
  uniqueLabels,
} from "../../src/augment/class_mix.ts";
import { createRandom } from "../../src/core/random.ts";
import * as tf from "../../src/core/tf.ts";
import { pasteSource } from "../../src/ops/class_mix/class_mix.ts";
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

onEachBackend("pasteSource() pastes images of any number of channels", async () => {
  const mask = tf.tensor3d([1, 0, 0, 1], [1, 2, 2], "int32");
  const labels = tf.tensor3d([3, 3, 3, 3], [1, 2, 2], "int32");
  const others = tf.tensor3d([5, 5, 5, 5], [1, 2, 2], "int32");
  for (const channels of [1, 2, 3, 4, 13]) {
    const values = (sign: number) =>
      Array.from({ length: 4 * channels }, (_, i) => sign * (i + 1));
    const image = (sign: number) => tf.tensor4d(values(sign), [1, 2, 2, channels]);
    const pasted = pasteSource(mask, { images: image(1), labels }, {
      images: image(-1),
      labels: others,
      pixelWeights: tf.fill([1, 2, 2], 0.5),
    });
    const isPasted = (i: number) => [0, 3].includes(Math.floor(i / channels));
    await assertClose(
      pasted.images,
      values(1).map((value, i) => isPasted(i) ? value : -value),
      0,
    );
    await assertClose(pasted.labels, [3, 5, 5, 3], 0);
  }
});
