import assert from "node:assert/strict";
import { contiguous, extentOf, rowStrides } from "../../src/weights/contiguous.ts";

const elements = (count: number, width: number) =>
  Uint8Array.from({ length: count * width }, (_, i) => Math.floor(i / width));

Deno.test("contiguous() lays out transposed tensors of every width in rows", () => {
  for (const width of [1, 2, 4, 8]) {
    const rows = contiguous(elements(6, width), width, {
      shape: [3, 2],
      strides: [1, 3],
    });
    const expected = [0, 3, 1, 4, 2, 5].flatMap((v) => Array(width).fill(v));
    assert.deepEqual([...rows], expected);
  }
});

Deno.test("contiguous() repeats expanded axes and skips what slices leave out", () => {
  const expanded = { shape: [3, 2], strides: [0, 1] };
  assert.deepEqual([...contiguous(elements(2, 1), 1, expanded)], [0, 1, 0, 1, 0, 1]);
  const sliced = { shape: [2, 2], strides: [4, 2] };
  assert.equal(extentOf(sliced), 7);
  assert.deepEqual([...contiguous(elements(7, 1), 1, sliced)], [0, 2, 4, 6]);
});

Deno.test("contiguous() does not copy what is in rows already", () => {
  const bytes = elements(6, 1);
  const layout = { shape: [1, 6, 1], strides: [77, 1, 99] };
  assert.equal(contiguous(bytes, 1, layout), bytes);
});

Deno.test("tensors without elements have an extent of 0 and scalars one of 1", () => {
  assert.equal(extentOf({ shape: [0, 4], strides: [4, 1] }), 0);
  assert.equal(extentOf({ shape: [], strides: [] }), 1);
  assert.deepEqual(rowStrides([0, 4, 2]), [8, 2, 1]);
});
