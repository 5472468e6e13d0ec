import assert from "node:assert/strict";
import { classTotals, pixelCountsFrom } from "../../src/data/class_counts.ts";
import { buildCriterion, countedWeights } from "../../src/train/criterion.ts";
import { tinyConfig } from "../support/commands.ts";

const CLASSES = ["road", "sky", "rider"].map((name) => ({
  name,
  color: [0, 0, 0] as [number, number, number],
}));

const statistics = () => {
  const counts = pixelCountsFrom([[900_000, 0, 300_000]], 3);
  return Promise.resolve({ counts, totals: classTotals(counts) });
};

const methodOf = (criterion: string) =>
  tinyConfig(`method={name: source-only, criterion: ${criterion}}`).method;

Deno.test("countedWeights() says which weights are in force", async () => {
  const said: string[] = [];
  const criterion = "[{name: cross-entropy, classWeights: inverse-frequency}, " +
    "{name: focal, classWeights: {sky: 3}}]";
  const log = (line: string) => void said.push(line);
  const method = methodOf(criterion);
  const weights = await countedWeights(method, CLASSES, undefined, statistics, log);
  assert.deepEqual(weights, { "cross-entropy": [2 / 3, 0, 2] });
  assert.deepEqual(said, [
    "class weights of cross-entropy (inverse-frequency): road 0.6667, sky 0, rider 2",
    'without a labeled pixel, hence of weight 0: "sky"',
    "class weights of focal: road 1, sky 3, rider 1",
  ]);
  const [first, second] = buildCriterion(method, CLASSES, weights).terms;
  assert.deepEqual(first && "classWeights" in first && first.classWeights, [2 / 3, 0, 2]);
  assert.deepEqual(second && "classWeights" in second && second.classWeights, [1, 3, 1]);
});

Deno.test("countedWeights() says that a small beta has no effect", async () => {
  const said: string[] = [];
  const start = (beta: number) =>
    countedWeights(
      methodOf(`{classWeights: effective-number, beta: ${beta}}`),
      CLASSES,
      undefined,
      statistics,
      (line) => void said.push(line),
    );
  await start(0.9999);
  assert.match(said.at(-1) ?? "", /^these weights are all the same: .*nearer to 1$/);
  await start(0.999999);
  assert.match(said.at(-1) ?? "", /^without a labeled pixel/);
});

Deno.test("countedWeights() keeps what was saved and counts nothing", async () => {
  const saved = { "cross-entropy": [1, 2, 3] };
  const method = methodOf("{classWeights: median-frequency}");
  const refuse = () => Promise.reject(new Error("counted"));
  const weights = await countedWeights(method, CLASSES, saved, refuse, () => {});
  assert.deepEqual(weights, saved);
});

Deno.test("buildCriterion() averages as published for the method", () => {
  const averageOf = (name: string) => {
    const { method } = tinyConfig(`method={name: ${name}}`);
    const { terms: [term], logsTerms } = buildCriterion(method, CLASSES, {});
    assert.equal(logsTerms, false);
    return term !== undefined && "average" in term ? term.average : null;
  };
  const methods = ["supervised", "source-only", "self-training"];
  assert.deepEqual(methods.map(averageOf), ["all", "all", "all"]);
  assert.deepEqual(["mean-teacher", "weak-to-strong"].map(averageOf), ["valid", "valid"]);
});
