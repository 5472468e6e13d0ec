import assert from "node:assert/strict";
import { createRandom } from "../../src/core/random.ts";
import { largestFrom } from "../../src/kernels/largest.ts";

Deno.test("largestFrom() finds the first of the largest, whatever the guess", () => {
  const random = createRandom(0, "largest");
  for (let round = 0; round < 200; round++) {
    // Few different values, so that most maxima occur more than once.
    const values = Float32Array.from({ length: 9 }, () => random.integer(4));
    const five = values.slice(2, 7);
    const expected = five.indexOf(Math.max(...five));
    for (let guess = 0; guess < 5; guess++) {
      assert.equal(largestFrom(values, 2, 5, guess), expected, `${values} from ${guess}`);
    }
  }
});
