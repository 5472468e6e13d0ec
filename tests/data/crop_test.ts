import assert from "node:assert/strict";
import { createRandom } from "../../src/core/random.ts";
import { countClasses, drawVariedWindow, drawWindow } from "../../src/data/crop.ts";

const SIZE = { height: 6, width: 8 };
const CROP = { height: 4, width: 4 };

Deno.test("drawWindow() reaches every position and never leaves the picture", () => {
  const seen = new Set<string>();
  for (let i = 0; i < 300; i++) {
    const { top, left, height, width } = drawWindow(SIZE, CROP, createRandom(0, "t", i));
    assert.deepEqual([height, width], [4, 4]);
    seen.add(`${top},${left}`);
  }
  assert.equal(seen.size, 3 * 5);
});

Deno.test("drawWindow() takes the whole side of a picture smaller than the crop", () => {
  const window = drawWindow({ height: 3, width: 9 }, CROP, createRandom(0, "t"));
  assert.deepEqual([window.top, window.height, window.width], [0, 3, 4]);
});

Deno.test("drawVariedWindow() finds a window in which no class dominates", () => {
  // Class 1 in the right half, an ignored pixel in the corner. Three of five places are
  // good, so eleven draws all but always find one.
  const label = Uint8Array.from({ length: 48 }, (_, i) => i === 0 ? 255 : +(i % 8 >= 4));
  for (let i = 0; i < 40; i++) {
    const window = drawVariedWindow(label, SIZE, CROP, 0.8, createRandom(1, "t", i));
    const counts = countClasses(label, 8, window);
    const largest = Math.max(counts[0] ?? 0, counts[1] ?? 0);
    assert.ok(largest / ((counts[0] ?? 0) + (counts[1] ?? 0)) < 0.8);
  }
});

Deno.test("drawVariedWindow() gives up after ten tries", () => {
  let draws = 0;
  const random = createRandom(0, "t");
  const counted = { ...random, integer: (n: number) => (draws++, random.integer(n)) };
  drawVariedWindow(new Uint8Array(48), SIZE, CROP, 0.75, counted);
  assert.equal(draws, 2 * 11);
});

Deno.test("drawVariedWindow() takes any window when the limit is 1", () => {
  let draws = 0;
  const random = createRandom(0, "t");
  const counted = { ...random, integer: (n: number) => (draws++, random.integer(n)) };
  drawVariedWindow(new Uint8Array(48), SIZE, CROP, 1, counted);
  assert.equal(draws, 2);
});
