// Which labeled images are kept for evaluation.
import assert from "node:assert/strict";
import { type ImageClasses, proposeSplit } from "../../src/init/propose_split.ts";

const images = (count: number, classesOf: (i: number) => number[]): ImageClasses[] =>
  Array.from({ length: count }, (_, i) => ({
    name: `p${String(i).padStart(3, "0")}`,
    classes: new Set(classesOf(i)),
  }));

const random = (seed: number) => ({ seed, share: 0.2, inBlocks: false });

Deno.test("proposeSplit() takes every image once, and the same ones for a seed", () => {
  const all = images(50, (i) => [0, 1 + i % 3]);
  const { training, evaluation } = proposeSplit(all, random(3));
  assert.equal(evaluation.length, 10);
  assert.deepEqual([...training, ...evaluation].sort(), all.map(({ name }) => name));
  assert.deepEqual(proposeSplit(all.toReversed(), random(3)).evaluation, evaluation);
  assert.notDeepEqual(proposeSplit(all, random(4)).evaluation, evaluation);
});

Deno.test("proposeSplit() has classes of two images and more in both parts", () => {
  // Class 9 is in two images, 8 in three, 7 in one.
  const all = images(40, (i) => [0, ...i < 2 ? [9] : i < 5 ? [8] : i === 5 ? [7] : []]);
  for (let seed = 0; seed < 20; seed++) {
    const { training, evaluation, onlyOnce, oneSided } = proposeSplit(all, random(seed));
    const classesIn = (names: readonly string[]) =>
      new Set(
        all.flatMap(({ name, classes }) => names.includes(name) ? [...classes] : []),
      );
    for (const id of [8, 9]) {
      assert.ok(classesIn(training).has(id) && classesIn(evaluation).has(id), `${seed}`);
    }
    assert.ok(classesIn(training).has(7), "an only image is learned from");
    assert.deepEqual([onlyOnce, oneSided], [[7], []]);
  }
});

Deno.test("proposeSplit() leaves both parts an image, and needs two", () => {
  for (const count of [2, 3, 4]) {
    const { training, evaluation } = proposeSplit(images(count, () => [0]), random(0));
    assert.deepEqual([training.length, evaluation.length], [count - 1, 1]);
  }
  assert.throws(
    () => proposeSplit(images(1, () => [0]), random(0)),
    /label two at least/,
  );
});

Deno.test("proposeSplit() in blocks evaluates on the last frames of every sequence", () => {
  const frames = ["a", "b"].flatMap((sequence) =>
    Array.from({ length: 10 }, (_, i) => ({
      name: `${sequence}_${i}`,
      classes: new Set([0]),
    }))
  );
  const { evaluation } = proposeSplit(frames, { seed: 0, share: 0.2, inBlocks: true });
  assert.deepEqual(evaluation, ["a_8", "a_9", "b_8", "b_9"]);
});
