import assert from "node:assert/strict";
import { thumbnail } from "../../src/data/thumbnail.ts";

Deno.test("thumbnail() takes means of pixels and the label in the middle", () => {
  const sample = {
    name: "a",
    width: 4,
    height: 2,
    image: Uint8Array.from(
      [0, 8, 40, 80].flatMap((v) => [v, 0, 255]).concat(
        [0, 8, 40, 80].flatMap((v) => [v, 4, 255]),
      ),
    ),
    label: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 255),
  };
  const small = thumbnail(sample, 2);
  assert.deepEqual([small.width, small.height], [2, 1]);
  assert.deepEqual([...small.rgb], [4, 2, 255, 60, 2, 255]);
  assert.deepEqual([...small.labels], [6, 255]);
  const same = thumbnail({ ...sample, label: null }, 9);
  assert.deepEqual([same.rgb, new Set(same.labels)], [sample.image, new Set([255])]);
});
