import assert from "node:assert/strict";
import { classTotals, pixelCountsFrom } from "../../src/data/class_counts.ts";
import type { ClassStatistics } from "../../src/data/class_statistics.ts";
import { type ClassWeightRule, classWeights } from "../../src/data/class_weights.ts";
import { assertClose } from "../support/compare.ts";

function statisticsOf(...labels: number[][]): ClassStatistics {
  const counts = pixelCountsFrom(labels, labels[0]?.length ?? 0);
  return { counts, totals: classTotals(counts) };
}

const STATISTICS = statisticsOf([50, 50, 0, 0], [10, 0, 30, 0], [900, 0, 60, 0]);

// By the formulas, in NumPy.
const EXPECTED: Readonly<Record<ClassWeightRule, readonly number[]>> = {
  "inverse-frequency": [0.38194444, 7.33333333, 4.07407407, 0],
  "median-frequency": [0.57291667, 1, 5.55555556, 0],
  "effective-number": [0.57566898, 1.45731816, 0.96701285, 0],
};

for (const [rule, expected] of Object.entries(EXPECTED)) {
  Deno.test(`classWeights() of ${rule} follows its formula`, () =>
    assertClose(classWeights(rule as ClassWeightRule, STATISTICS, 0.99), expected, 1e-8));
}

Deno.test("classWeights() takes the mean of both middle frequencies", () =>
  assertClose(
    classWeights("median-frequency", statisticsOf([50, 50, 0, 0], [10, 0, 30, 5]), 0),
    [1.10416667, 0.9137931, 0.68534483, 4.11206897],
    1e-8,
  ));

Deno.test("classWeights() of effective-number goes from 1 to inverse frequencies", async () => {
  const weights = (beta: number) => classWeights("effective-number", STATISTICS, beta);
  assert.deepEqual(weights(0), [1, 1, 1, 0]);
  const [first = NaN, ...others] = weights(1 - 1e-12);
  await assertClose(
    others.map((weight) => weight / first),
    [960 / 50, 960 / 90, 0],
    1e-6,
  );
});
