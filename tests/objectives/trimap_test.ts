import assert from "node:assert/strict";
import { createRandom } from "../../src/core/random.ts";
import { trimapOf } from "../../src/objectives/trimap.ts";

/** Looks at every pixel around every pixel. */
function plainTrimap(labels: number[], width: number, radius: number) {
  return labels.map((own, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return Number(labels.some((other, j) => {
      const [y, x] = [Math.floor(j / width), j % width];
      const near = Math.abs(y - row) <= radius && Math.abs(x - column) <= radius;
      return near && other !== own;
    }));
  });
}

Deno.test("trimapOf() marks what is near another label, or near ignored pixels", () => {
  const labels = [0, 0, 0, 0, 1, 1, 1, 255];
  const band = trimapOf(labels, { height: 1, width: 8 }, 1);
  assert.deepEqual([...band], [0, 0, 0, 1, 1, 0, 1, 1]);
});

Deno.test("trimapOf() agrees with a search around every pixel", () => {
  const random = createRandom(3, "trimap", 0);
  for (const [height, width, radius] of [[1, 1, 1], [7, 9, 1], [9, 7, 2], [6, 6, 9]]) {
    if (height === undefined || width === undefined || radius === undefined) continue;
    // Few changes, so that there is something outside of the band.
    const labels = Array.from(
      { length: height * width },
      () => random.uniform() < 0.05 ? 255 : 2,
    );
    assert.deepEqual(
      [...trimapOf(labels, { height, width }, radius)],
      plainTrimap(labels, width, radius),
    );
  }
});
