// Figures of the published code: 40,000 iterations, warm-up 1,500, ratio 1e-6.
import assert from "node:assert/strict";
import { learningRate } from "../../src/optim/schedule.ts";
import { teacherMomentum } from "../../src/optim/teacher_momentum.ts";

const SCHEDULE = {
  iterations: 40_000,
  warmup: 1500,
  warmupRatio: 1e-6,
  power: 1,
  minimumRate: 0,
};

Deno.test("learningRate() is the published schedule", () => {
  const published: [number, number][] = [
    [0, 6e-11],
    [1, 4.005896e-8],
    [100, 3.990056e-6],
    [750, 2.943753e-5],
    [1499, 5.7713e-5],
    [1500, 5.775e-5],
    [20_000, 3e-5],
    [39_999, 1.5e-9],
  ];
  for (const [t, rate] of published) {
    const found = learningRate(6e-5, t, SCHEDULE);
    assert.ok(
      Math.abs(found / rate - 1) < 1e-6,
      `iteration ${t}: ${found} is not ${rate}`,
    );
  }
});

Deno.test("learningRate() without a warm-up starts at the base", () => {
  assert.equal(learningRate(1e-3, 0, { ...SCHEDULE, warmup: 0 }), 1e-3);
});

Deno.test("teacherMomentum() copies first, averages next and then keeps α", () => {
  const found = [0, 1, 2, 3, 998, 999, 5000].map((n) => teacherMomentum(n, 0.999));
  [0, 0.5, 2 / 3, 0.75, 998 / 999, 0.999, 0.999].forEach((expected, i) => {
    assert.ok(Math.abs((found[i] ?? NaN) - expected) < 1e-12);
  });
});
