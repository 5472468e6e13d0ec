import assert from "node:assert/strict";
import { joinRows, splitRows } from "../../../src/weights/names/rows.ts";
import { distinct, numbersOf } from "./own_weights.ts";

/** W·x + b */
function linear(weight: number[], bias: number[], x: number[]): number[] {
  return bias.map((b, o) =>
    x.reduce((sum, value, i) => sum + value * (weight[o * x.length + i] ?? NaN), b)
  );
}

Deno.test("joined queries, keys and values answer what they answer apart", () => {
  const x = [0.5, -1, 2];
  const weights = [1, 2, 3].map(() => distinct(3, 3));
  const biases = [1, 2, 3].map(() => distinct(3));
  const apart = weights.map((weight, i) => {
    const bias = biases[i];
    assert(bias !== undefined);
    return linear(numbersOf(weight), numbersOf(bias), x);
  });
  const together = linear(numbersOf(joinRows(weights)), numbersOf(joinRows(biases)), x);
  assert.deepEqual(together, apart.flat());
});

Deno.test("splitRows() undoes joinRows()", () => {
  const parts = [distinct(2, 3, 1, 1), distinct(4, 3, 1, 1)];
  assert.deepEqual(splitRows(joinRows(parts), [1, 2]), parts);
});

Deno.test("rows of different widths or elements are not joined", () => {
  for (
    const other of [distinct(2, 4), distinct(2), { ...distinct(2, 3), dtype: "F16" }]
  ) {
    assert.throws(
      () => joinRows([distinct(2, 3), other as ReturnType<typeof distinct>]),
      {
        name: "RangeError",
        message: /only the first axis may differ$/,
      },
    );
  }
});
