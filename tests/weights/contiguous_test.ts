import assert from "node:assert/strict";
import {
  contiguousStrides,
  elementSpan,
  toContiguous,
} from "../../src/weights/contiguous.ts";

const elements = (count: number, width: number) =>
  Uint8Array.from({ length: count * width }, (_, i) => Math.floor(i / width));

Deno.test("toContiguous() lays out transposed tensors of every width in rows", () => {
  for (const width of [1, 2, 4, 8]) {
    const rows = toContiguous(elements(6, width), width, {
      shape: [3, 2],
      strides: [1, 3],
    });
    const expected = [0, 3, 1, 4, 2, 5].flatMap((v) => Array(width).fill(v));
    assert.deepEqual([...rows], expected);
  }
});

Deno.test("toContiguous() repeats expanded axes and skips what slices leave out", () => {
  const expanded = { shape: [3, 2], strides: [0, 1] };
  assert.deepEqual([...toContiguous(elements(2, 1), 1, expanded)], [0, 1, 0, 1, 0, 1]);
  const sliced = { shape: [2, 2], strides: [4, 2] };
  assert.equal(elementSpan(sliced), 7);
  assert.deepEqual([...toContiguous(elements(7, 1), 1, sliced)], [0, 2, 4, 6]);
});

Deno.test("toContiguous() does not copy what is in rows already", () => {
  const bytes = elements(6, 1);
  const layout = { shape: [1, 6, 1], strides: [77, 1, 99] };
  assert.equal(toContiguous(bytes, 1, layout), bytes);
});

Deno.test("elementSpan() is 0 without elements and 1 for scalars", () => {
  assert.equal(elementSpan({ shape: [0, 4], strides: [4, 1] }), 0);
  assert.equal(elementSpan({ shape: [], strides: [] }), 1);
  assert.deepEqual(contiguousStrides([0, 4, 2]), [8, 2, 1]);
});
