import assert from "node:assert/strict";
import { readMatByteMatrix } from "../../src/formats/mat.ts";
import { matOf } from "../data/native/mat_file.ts";

Deno.test("readMatByteMatrix() keeps every byte of the names in a file", () => {
  const upper = Array.from({ length: 128 }, (_, i) => String.fromCharCode(0x80 + i));
  for (let from = 0; from < upper.length; from += 16) {
    const name = upper.slice(from, from + 16).join("");
    const file = matOf(2, 1, (_row, column) => 7 + column, {
      variable: name,
      field: name,
    });
    const { rows, columns, data } = readMatByteMatrix(file, name, name);
    assert.deepEqual([rows, columns, [...data]], [1, 2, [7, 8]]);
  }
});
