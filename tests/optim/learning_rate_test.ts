// Figures of the published code: 40,000 iterations, warm-up 1,500, ratio 1e-6.
import assert from "node:assert/strict";
import { learningRateAt } from "../../src/optim/learning_rate.ts";
import { warmedUpEmaDecay } from "../../src/optim/ema_update.ts";

const SCHEDULE = {
  iterations: 40_000,
  warmupIterations: 1500,
  warmupRatio: 1e-6,
  power: 1,
  minLearningRate: 0,
};

Deno.test("learningRateAt() equals the published schedule", () => {
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
  for (const [t, expected] of published) {
    const found = learningRateAt(6e-5, t, SCHEDULE);
    assert.ok(
      Math.abs(found / expected - 1) < 1e-6,
      `iteration ${t}: ${found} is not ${expected}`,
    );
  }
});

Deno.test("learningRateAt() that rises to the peak equals VFM-UDA's schedule", () => {
  // numpy: linspace(1e-3, 1, 1500), then linspace(1, 0, 40001)[1500:]
  const vfmUda: [number, number][] = [
    [0, 0.001],
    [1, 0.0016664442961974648],
    [750, 0.5008332221480987],
    [1499, 1],
    [1500, 0.9625],
    [20_000, 0.5],
    [39_999, 2.5e-5],
  ];
  const schedule = { ...SCHEDULE, warmupRatio: 1e-3, warmupTo: "peak" } as const;
  for (const [t, expected] of vfmUda) {
    const found = learningRateAt(2, t, schedule) / 2;
    assert.ok(Math.abs(found / expected - 1) < 1e-9, `iteration ${t}: ${found}`);
  }
  assert.equal(learningRateAt(1, 0, { ...schedule, warmupIterations: 1 }), 1e-3);
});

Deno.test("learningRateAt() without a warm-up starts at the base", () => {
  assert.equal(learningRateAt(1e-3, 0, { ...SCHEDULE, warmupIterations: 0 }), 1e-3);
});

Deno.test("warmedUpEmaDecay() rises from 0 to the final decay", () => {
  const found = [0, 1, 2, 3, 998, 999, 5000].map((n) => warmedUpEmaDecay(n, 0.999));
  [0, 0.5, 2 / 3, 0.75, 998 / 999, 0.999, 0.999].forEach((expected, i) => {
    assert.ok(Math.abs((found[i] ?? NaN) - expected) < 1e-12);
  });
});
