import assert from "node:assert/strict";
import { relativePositionIndex } from "../../src/layers/relative_position.ts";

Deno.test("relativePositionIndex() counts the entries of pairs of pixels", () => {
  const { name, value } = relativePositionIndex("attn.w_msa", 2);
  assert.equal(name, "attn.w_msa.relative_position_index");
  const { dtype, shape, bytes } = value();
  assert.equal(dtype, "I64");
  assert.deepEqual(shape, [4, 4]);
  const index = Array.from(new BigInt64Array(bytes.buffer), Number);
  // Three by three offsets, row by row; 4 is the pixel itself.
  assert.deepEqual(index, [4, 3, 1, 0, 5, 4, 2, 1, 7, 6, 4, 3, 8, 7, 5, 4]);
});

Deno.test("relativePositionIndex() of a window of 12 reaches all 529 entries", () => {
  const { bytes } = relativePositionIndex("attn.w_msa", 12).value();
  const index = new Set(new BigInt64Array(bytes.buffer));
  assert.equal(index.size, 529);
  assert.ok(index.has(0n) && index.has(528n));
});
