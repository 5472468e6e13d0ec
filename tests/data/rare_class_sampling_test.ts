import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { planRareClassSampling, rareClassProbabilities } from "../../src/data/sampler.ts";
import { parseSampleClassStats } from "../../src/data/class_statistics.ts";
import { classTotals, pixelCountsFrom } from "../../src/data/class_counts.ts";
import { CLASSES } from "./tiny_folder.ts";

const GOLDEN = [
  new URL("../golden/vec_sampling.json", import.meta.url),
  new URL("../../../shared/golden/vec_sampling.json", import.meta.url),
].find((file) => existsSync(file));

interface Golden {
  readonly rcs: {
    readonly "sample_class_stats": readonly unknown[];
    readonly expected: readonly {
      readonly temperature: number;
      readonly "classes_in_order": readonly number[];
      readonly probabilities: readonly number[];
    }[];
  };
}

Deno.test({
  name: "rareClassProbabilities() agrees with the PyTorch reference",
  ignore: GOLDEN === undefined,
  fn() {
    if (GOLDEN === undefined) return;
    const { rcs }: Golden = JSON.parse(readFileSync(GOLDEN, "utf8"));
    const text = JSON.stringify(rcs.sample_class_stats);
    const labels = [...parseSampleClassStats(text, "golden", 19).values()];
    const totals = classTotals(pixelCountsFrom(labels, 19));
    assert.ok(rcs.expected.length > 0);
    for (const expected of rcs.expected) {
      const result = rareClassProbabilities(totals, expected.temperature);
      assert.deepEqual(result.classes, expected.classes_in_order);
      for (const [i, probability] of expected.probabilities.entries()) {
        const ours = result.probabilities[i] ?? 0;
        // The reference subtracts in float32, which costs it three digits.
        assert.ok(Math.abs(ours - probability) <= 2e-3 * probability, `class ${i}`);
      }
    }
  },
});

Deno.test("rareClassProbabilities() leaves absent classes out and sums to 1", () => {
  const { classes, probabilities } = rareClassProbabilities([900, 0, 100, 5], 0.1);
  assert.deepEqual(classes, [3, 2, 0]);
  assert.ok(Math.abs(probabilities.reduce((a, b) => a + b) - 1) < 1e-12);
  assert.ok((probabilities[0] ?? 0) > (probabilities[1] ?? 0));
});

Deno.test("rareClassProbabilities() is uniform at infinite temperature", () => {
  assert.deepEqual(rareClassProbabilities([9, 1], Infinity).probabilities, [0.5, 0.5]);
});

Deno.test("rareClassProbabilities() refuses a temperature of 0 and empty labels", () => {
  assert.throws(() => rareClassProbabilities([1], 0), {
    name: "RangeError",
    message:
      'Cannot compute class probabilities: "temperature" must be above 0: received 0',
  });
  assert.throws(() => rareClassProbabilities([0, 0], 1), /no label holds a class/);
});

const COUNTS = pixelCountsFrom([[100, 20, 0], [100, 10, 0]], 3);
const STATISTICS = { counts: COUNTS, totals: classTotals(COUNTS) };

Deno.test("planRareClassSampling() lists images with strictly more pixels than asked", () => {
  const plan = planRareClassSampling(STATISTICS, CLASSES, {
    classTemperature: 0.1,
    minPixels: 10,
    minCropRatio: 0.5,
  });
  assert.deepEqual(plan.classes, [1, 0]);
  assert.deepEqual(plan.imageIndices.map((one) => Array.from(one)), [[0], [0, 1]]);
  assert.equal(plan.minCropPixels, 5);
});

Deno.test("planRareClassSampling() names the class that no image stands for", () => {
  const options = { classTemperature: 0.1, minPixels: 20, minCropRatio: 0.5 };
  assert.throws(() => planRareClassSampling(STATISTICS, CLASSES, options), {
    name: "RangeError",
    message: 'Cannot sample rare classes: no image has more than "minPixels" = 20 ' +
      'pixels of the class "sky" (the most is 20): set "rareClassSampling.minPixels" below 20',
  });
});
