import assert from "node:assert/strict";
import { downscaleLabels, membership } from "../../src/objectives/downscale_label.ts";

const SIZE = { height: 32, width: 32 };
const OPTIONS = { classes: 19, factor: 32, minimumShare: 0.75 };

// 1024 pixels, the first `count` of which are class 13.
const block = (count: number, rest: number) =>
  Uint8Array.from({ length: 1024 }, (_, i) => i < count ? 13 : rest);

Deno.test("downscaleLabels() keeps a class that holds just the needed share", () => {
  assert.deepEqual([...downscaleLabels(block(768, 2), SIZE, OPTIONS)], [13]);
  assert.deepEqual([...downscaleLabels(block(767, 2), SIZE, OPTIONS)], [255]);
});

Deno.test("downscaleLabels() ignores a cell that is mostly ignored", () => {
  const options = { ...OPTIONS, minimumShare: 0 };
  assert.deepEqual([...downscaleLabels(block(256, 255), SIZE, options)], [255]);
  assert.deepEqual([...downscaleLabels(block(768, 255), SIZE, options)], [13]);
});

Deno.test("membership() marks the labels of some classes", () => {
  assert.deepEqual([...membership(Uint8Array.of(1, 2, 255, 1), [1, 7])], [1, 0, 0, 1]);
});
