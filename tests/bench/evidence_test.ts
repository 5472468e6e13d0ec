import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  holmCorrection,
  meanAndSpread,
  pairedDifference,
  studentDistribution,
  studentQuantile,
} from "../../bench/evidence/paired_difference.ts";
import { drawEvidence } from "../../bench/evidence/picture.ts";
import { PROBLEMS } from "../../bench/evidence/problems.ts";
import {
  type Budget,
  BUDGETS,
  choiceAmong,
  type EvidenceSize,
  type LearningRateChoice,
  methodsOf,
  ratesBeyond,
  seedsOf,
} from "../../bench/evidence/protocol.ts";
import {
  comparisonsOf,
  type EvidenceRecord,
  readEvidence,
} from "../../bench/evidence/report.ts";
import { withMethod } from "../../bench/compared_methods.ts";
import { loadConfig } from "../../src/config/read.ts";
import { decodePng } from "../../src/formats/png.ts";

const isNear = (value: number, expected: number, tolerance: number) =>
  assert(Math.abs(value - expected) <= tolerance, `${value} instead of ${expected}`);

const SIZE: EvidenceSize = {
  ...{ seeds: 2, wallClockSeeds: 2, wallClockMethods: [], iterations: 20 },
  ...{ startIterations: 1, learningRates: [1e-4] },
};

const runOf = (
  method: string,
  budget: Budget,
  seed: number,
  student: number,
): EvidenceRecord => ({
  ...{ method, budget, seed, iterations: 20 },
  test: { student, teacher: null },
  val: { student: 0.5, teacher: null },
  primaryNetwork: "student",
  curve: [[10, 0.4 + seed / 10], [20, 0.5 + seed / 20]],
  secondsPerIteration: 1,
});

Deno.test("studentQuantile() gives the printed table, and studentDistribution() undoes it", () => {
  // Abramowitz and Stegun, table 26.10
  const table = [[0.975, 1, 12.706], [0.975, 2, 4.303], [0.975, 4, 2.776]] as const;
  const more = [[0.975, 9, 2.262], [0.995, 4, 4.604], [0.95, 30, 1.697]] as const;
  for (const [probability, freedom, expected] of [...table, ...more]) {
    const t = studentQuantile(probability, freedom);
    isNear(t, expected, 6e-4);
    isNear(studentDistribution(t, freedom), probability, 1e-9);
    isNear(studentDistribution(-t, freedom), 1 - probability, 1e-9);
  }
});

Deno.test("pairedDifference() gives what SciPy's ttest_rel gives", () => {
  const { pairs, mean, interval, p } = pairedDifference(
    [1, 2, 3, 4, 6],
    [0.5, 1.9, 2.1, 3.3, 5],
  );
  assert.equal(pairs, 5);
  isNear(mean, 0.64, 1e-12);
  isNear(p, 0.016130089900092, 1e-12);
  isNear(interval[0], 0.195768783, 1e-8);
  isNear(interval[1], 1.084231217, 1e-8);
  assert.equal(pairedDifference([1, 2], [1, 2]).p, 1);
  assert.throws(() => pairedDifference([1], [1, 2]), /Cannot pair 1 values with 2/);
});

Deno.test("meanAndSpread() gives no deviation of one seed", () => {
  assert.equal(meanAndSpread([0.1, 0.2]), "15.0 ± 7.1");
  assert.equal(meanAndSpread([0.123]), "12.3");
});

Deno.test("holmCorrection() corrects in the order of p and never lets it fall", () => {
  const corrected = holmCorrection([0.01, 0.04, 0.03, 0.5]);
  const expected = [0.04, 0.09, 0.09, 0.5];
  corrected.forEach((value, i) => isNear(value, expected[i] ?? NaN, 1e-12));
});

for (const problem of PROBLEMS) {
  Deno.test(`PROBLEMS ${problem.name} has a configuration for every method`, async () => {
    const file = new URL(`../../bench/configs/${problem.config}.yaml`, import.meta.url);
    const base = await loadConfig(file.pathname, ["data.root=data"]);
    assert.deepEqual(Object.keys(base.data.evaluations), ["val", "test"]);
    for (const method of Object.keys(problem.methods)) {
      withMethod(base, method, problem.methods);
    }
    const { baseline, reference, control } = problem;
    for (const name of [baseline, reference, control]) assert(name in problem.methods);
  });
}

Deno.test("a learning rate is chosen where lower and higher ones are worse", () => {
  const bestAt = (peak: number) => {
    const trial = (learningRate: number) => {
      assert(learningRate > 1e-6 && learningRate < 1, String(learningRate));
      return { learningRate, mIoU: 0.5 - Math.abs(Math.log2(learningRate / peak)) / 100 };
    };
    let choice = choiceAmong([trial(4e-4), trial(2e-4)]);
    for (let next = ratesBeyond(choice); next.length > 0; next = ratesBeyond(choice)) {
      choice = choiceAmong([...choice.tried, ...next.map(trial)]);
    }
    return choice;
  };
  const ratesOf = ({ tried }: LearningRateChoice) =>
    tried.map(({ learningRate }) => learningRate);
  assert.deepEqual(ratesOf(bestAt(1.6e-3)), [2e-4, 4e-4, 8e-4, 1.6e-3, 3.2e-3]);
  assert.deepEqual(ratesOf(bestAt(5e-5)), [2.5e-5, 5e-5, 1e-4, 2e-4, 4e-4]);
  assert.equal(bestAt(5e-5).learningRate, 5e-5);
  assert.equal(bestAt(1.6e-3).learningRate, 1.6e-3);
});

Deno.test("what is kept of comparisons is whole, and its differences are those of its runs", async () => {
  const kept = await readEvidence(
    fileURLToPath(new URL("../../bench/results", import.meta.url)),
  );
  assert(kept.length > 0);
  for (const { problem: name, choices, runs, size, comparisons } of kept) {
    const problem = PROBLEMS.find((one) => one.name === name);
    assert(problem !== undefined, name);
    const methods = Object.keys(problem.methods);
    assert.deepEqual(Object.keys(choices), methods);
    for (const choice of Object.values(choices)) {
      assert.deepEqual(ratesBeyond(choiceAmong(choice.tried)), []);
      assert.equal(choiceAmong(choice.tried).learningRate, choice.learningRate);
    }
    assert.deepEqual(
      runs.map(({ method, budget, seed }) => [budget, seed, method]),
      BUDGETS.flatMap((budget) =>
        Array.from(
          { length: seedsOf(size, budget) },
          (_, seed) =>
            methodsOf(problem, size, budget).map((method) => [budget, seed, method]),
        ).flat()
      ),
    );
    assert.deepEqual(comparisonsOf(problem, runs, size), comparisons);
  }
});

Deno.test("the kinds of look-ahead are compared with each other at equal wall clock", () => {
  for (const problem of PROBLEMS) {
    const runs = Object.keys(problem.methods).flatMap((method) =>
      BUDGETS.flatMap((budget) =>
        [0, 1].map((seed) => runOf(method, budget, seed, 0.5 + seed / 10))
      )
    );
    const asked = comparisonsOf(problem, runs, SIZE).filter(({ against }) =>
      against === "FST-D K=3"
    );
    assert.deepEqual(
      asked.map(({ budget, method }) => [budget, method]),
      ["FST-D K=3 by momentum", "FST-D K=3 by head", "FST-D K=1 by reuse"]
        .map((method) => ["wall clock", method]),
    );
  }
});

Deno.test("drawEvidence() draws curves with their spread", async () => {
  const runs = ["self-training", "MIC"].flatMap((method) =>
    BUDGETS.flatMap((budget) => [0, 1].map((seed) => runOf(method, budget, seed, 0.5)))
  );
  const choice = { learningRate: 1e-4, tried: [] };
  const picture = drawEvidence({
    ...{ problem: "dusk", title: "dusk", reference: "self-training", engine: "wasm" },
    size: SIZE,
    costs: { "self-training": 1, MIC: 1.5 },
    choices: { "self-training": choice, MIC: choice },
    ...{ runs, comparisons: [] },
  });
  const { width, height } = await decodePng(picture, "curves");
  assert.deepEqual([width, height], [1040, 692]);
});
