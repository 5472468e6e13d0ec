import assert from "node:assert/strict";
import { exponential } from "../../src/kernels/exponential.ts";

Deno.test("exponential() is exp(x) to 1e-8 for float32's normal numbers", () => {
  for (let x = 0; x > -87; x -= 0.0137) {
    const exact = Math.exp(x);
    assert.ok(Math.abs(exponential(x) - exact) <= 1e-8 * exact, `at ${x}`);
  }
});

Deno.test("exponential() is 1 at 0, 0 far below, and NaN of NaN", () => {
  assert.equal(exponential(0), 1);
  assert.equal(exponential(-1e9), 0);
  assert.equal(exponential(-Infinity), 0);
  assert.ok(Number.isNaN(exponential(NaN)));
});
