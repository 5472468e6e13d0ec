import assert from "node:assert/strict";
import { createRandom } from "../../src/core/random.ts";
import { argmaxInRange, expNonPositive } from "../../src/ops/softmax_reference.ts";

Deno.test("argmaxInRange() finds the first maximum for any initial guess", () => {
  const random = createRandom(0, "largest");
  for (let round = 0; round < 200; round++) {
    // Few different values, so that most maxima occur more than once.
    const values = Float32Array.from({ length: 9 }, () => random.integer(4));
    const range = values.slice(2, 7);
    const expected = range.indexOf(Math.max(...range));
    for (let guess = 0; guess < 5; guess++) {
      assert.equal(
        argmaxInRange(values, 2, 5, guess),
        expected,
        `${values} from ${guess}`,
      );
    }
  }
});

Deno.test("expNonPositive() equals exp(x) to 1e-8 over the normal float32 range", () => {
  for (let x = 0; x > -87; x -= 0.0137) {
    const exact = Math.exp(x);
    assert.ok(Math.abs(expNonPositive(x) - exact) <= 1e-8 * exact, `at ${x}`);
  }
});

Deno.test("expNonPositive() is 1 at 0, 0 at -∞ and NaN at NaN", () => {
  assert.equal(expNonPositive(0), 1);
  assert.equal(expNonPositive(-1e9), 0);
  assert.equal(expNonPositive(-Infinity), 0);
  assert.ok(Number.isNaN(expNonPositive(NaN)));
});
