import assert from "node:assert/strict";
import { createRandom } from "../../src/core/random.ts";
import { trimapMask } from "../../src/objectives/trimap.ts";

/** Compares each pixel with every pixel near it. */
function naiveTrimap(labels: number[], width: number, radius: number) {
  return labels.map((label, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return Number(labels.some((other, j) => {
      const [y, x] = [Math.floor(j / width), j % width];
      const near = Math.abs(y - row) <= radius && Math.abs(x - column) <= radius;
      return near && other !== label;
    }));
  });
}

Deno.test("trimapMask() marks pixels near another label or near ignored pixels", () => {
  const labels = [0, 0, 0, 0, 1, 1, 1, 255];
  const band = trimapMask(labels, { height: 1, width: 8 }, 1);
  assert.deepEqual([...band], [0, 0, 0, 1, 1, 0, 1, 1]);
});

Deno.test("trimapMask() equals a naive search", () => {
  const random = createRandom(3, "trimap", 0);
  for (const [height, width, radius] of [[1, 1, 1], [7, 9, 1], [9, 7, 2], [6, 6, 9]]) {
    if (height === undefined || width === undefined || radius === undefined) continue;
    // Few changes, so that some pixels lie outside of the band.
    const labels = Array.from(
      { length: height * width },
      () => random.uniform() < 0.05 ? 255 : 2,
    );
    assert.deepEqual(
      [...trimapMask(labels, { height, width }, radius)],
      naiveTrimap(labels, width, radius),
    );
  }
});
