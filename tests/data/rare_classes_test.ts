import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { planRareClasses, rareClassProbabilities } from "../../src/data/rare_classes.ts";
import { parseStatistics, withTotals } from "../../src/data/class_statistics.ts";
import { countsFrom } from "../../src/data/pixel_counts.ts";
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
    const labels = [...parseStatistics(text, "golden", 19).values()];
    const { totals } = withTotals(countsFrom(labels, 19));
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
    message: 'Cannot weigh classes: "temperature" must be above 0: received 0',
  });
  assert.throws(() => rareClassProbabilities([0, 0], 1), /no label holds a class/);
});

const STATISTICS = withTotals(countsFrom([[100, 20, 0], [100, 10, 0]], 3));

Deno.test("planRareClasses() lists pictures with strictly more pixels than asked", () => {
  const plan = planRareClasses(STATISTICS, CLASSES, {
    temperature: 0.1,
    minimumPixels: 10,
    minimumCropShare: 0.5,
  });
  assert.deepEqual(plan.classes, [1, 0]);
  assert.deepEqual(plan.candidates.map((one) => Array.from(one)), [[0], [0, 1]]);
  assert.equal(plan.cropPixels, 5);
});

Deno.test("planRareClasses() names the class that no picture stands for", () => {
  const options = { temperature: 0.1, minimumPixels: 20, minimumCropShare: 0.5 };
  assert.throws(() => planRareClasses(STATISTICS, CLASSES, options), {
    name: "RangeError",
    message:
      'Cannot sample rare classes: no picture has more than "minimumPixels" = 20 ' +
      'pixels of the class "sky" (the most is 20): set "rareClasses.minimumPixels" below 20',
  });
});
