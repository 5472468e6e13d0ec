// Which checkpoint is the best, by any score of any evaluation or class.
import assert from "node:assert/strict";
import type { RunConfig } from "../../src/config/schema.ts";
import type { EvaluationResult } from "../../src/evaluate/evaluate.ts";
import {
  type BestRecord,
  emptyRecord,
  judge,
  resumedRecord,
  scoreNote,
  stopReason,
} from "../../src/train/best_score.ts";
import { example, problems } from "../config/example.ts";
import { tinyConfig } from "../support/commands.ts";

/** Of two classes of which the second is found by half. */
const result = (values: Partial<EvaluationResult> = {}): EvaluationResult => ({
  mIoU: 0.7,
  meanAccuracy: 0.75,
  pixelAccuracy: 0.8,
  frequencyWeightedIoU: 0.6,
  images: 2,
  classes: [
    { name: "road", iou: 0.9, accuracy: 1 },
    { name: "bus", iou: 0.5, accuracy: 0.5 },
    { name: "train", iou: 0, accuracy: null },
    { name: "rider", iou: null, accuracy: null },
  ],
  ...values,
});

/** Judges evaluations with one figure each, one at every iteration. */
function judgeAll(config: RunConfig, values: readonly number[]) {
  let record: BestRecord = emptyRecord(config, 0);
  const best: number[] = [];
  let stopped: number | null = null;
  values.forEach((mIoU, index) => {
    const next = judge(
      record,
      config,
      new Map([["worn", result({ mIoU })]]),
      index + 1,
    );
    record = next.record;
    if (next.score.isBest) best.push(index + 1);
    if (stopped !== null || stopReason(record, config, index + 1) === null) return;
    stopped = index + 1;
  });
  return { record, best, stopped };
}

for (
  const [options, name, value] of [
    ["{}", 'mIoU of "worn"', 0.7],
    ["{score: meanAccuracy}", 'mean accuracy of "worn"', 0.75],
    ["{score: pixelAccuracy}", 'pixel accuracy of "worn"', 0.8],
    ["{score: frequencyWeightedIoU}", 'frequency-weighted IoU of "worn"', 0.6],
    ["{score: meanDice}", 'mean Dice of "worn"', (2 * 0.9 / 1.9 + 1 / 1.5 + 0) / 3],
    ["{class: bus}", 'IoU of "bus" in "worn"', 0.5],
    ["{class: bus, score: meanAccuracy}", 'accuracy of "bus" in "worn"', 0.5],
    ["{class: bus, score: meanDice}", 'Dice of "bus" in "worn"', 1 / 1.5],
    ["{class: train}", 'IoU of "train" in "worn"', null],
    ["{class: rider}", 'IoU of "rider" in "worn"', null],
    ["{evaluation: clean}", 'mIoU of "clean"', 0.1],
  ] as const
) {
  Deno.test(`judge() scores by ${name}`, () => {
    const config = tinyConfig(`evaluation.best=${options}`);
    const results = new Map([["worn", result()], ["clean", result({ mIoU: 0.1 })]]);
    const { score } = judge(emptyRecord(config, 0), config, results, 1);
    assert.equal(score.name, name);
    assert.equal(score.isBest, value !== null);
    if (value === null || score.value === null) assert.equal(score.value, value);
    else assert.ok(Math.abs(score.value - value) < 1e-12, `${score.value}`);
    const note = scoreNote(config, score);
    if (value === null) assert.match(note ?? "", /^no pixel of .* is undefined and /);
    else if (/^(mIoU|pixel)/.test(name)) assert.equal(note, null);
    else assert.equal(note, `${name}: ${(100 * value).toFixed(1)} %, the best so far`);
  });
}

Deno.test("stopReason() counts evaluations without a score that is better by minDelta", () => {
  const values = [0.5, 0.505, 0.512, 0.511, 0.4, 0.52];
  const stops = (rule: string) =>
    judgeAll(
      tinyConfig("evaluation.interval=1", `evaluation.earlyStopping=${rule}`),
      values,
    );
  assert.deepEqual(stops("{patience: 2}").best, [1, 2, 3, 6]);
  assert.equal(stops("{patience: 2}").stopped, 5);
  assert.equal(stops("{patience: 3}").stopped, null);
  // 0.512 is above 0.5 by more than 0.01, 0.505 is not; 0.52 is not above 0.512 by as much.
  assert.equal(stops("{patience: 1, minDelta: 0.01}").stopped, 2);
  assert.equal(stops("{patience: 2, minDelta: 0.01}").stopped, 5);
  const { record } = stops("{patience: 4, minDelta: 0.01}");
  assert.deepEqual(
    [record.value, record.iteration, record.valueToBeat, record.evaluationsWithoutBetter],
    [0.52, 6, 0.512, 3],
  );
});

Deno.test("stopReason() does not count what is undefined or of labels alone", () => {
  const rule = "evaluation.earlyStopping={patience: 1}";
  const undefinedScores = tinyConfig("evaluation.interval=1", rule);
  assert.equal(judgeAll(undefinedScores, [0.5, NaN, NaN, NaN]).stopped, null);
  const semi = tinyConfig(
    ...["evaluation.interval=1", rule],
    "method={name: mean-teacher, supervisedOnlyIterations: 3}",
  );
  const { stopped, best } = judgeAll(semi, [0.6, 0.5, 0.5, 0.3, 0.2]);
  assert.deepEqual([stopped, best], [5, [1]]);
});

Deno.test("judge() of the same evaluation again changes nothing", () => {
  const config = tinyConfig();
  const { record } = judgeAll(config, [0.5, 0.4]);
  const again = judge(record, config, new Map([["worn", result({ mIoU: 0.4 })]]), 2);
  assert.deepEqual(again.record, record);
});

Deno.test("resumedRecord() begins anew with another score, and says so", () => {
  const config = tinyConfig();
  const { record } = judgeAll(config, [0.5, 0.4]);
  const said: string[] = [];
  const resume = (...overrides: string[]) =>
    resumedRecord(
      tinyConfig(...overrides),
      { best: record, metrics: {}, iteration: 2 },
      (line) => said.push(line),
    );
  assert.deepEqual(resume(), record);
  assert.deepEqual(resume("evaluation.best={evaluation: worn}"), record);
  assert.deepEqual(said, []);
  const other = resume("evaluation.best={class: bus}");
  assert.deepEqual([other.value, other.class, other.evaluatedIteration], [
    null,
    "bus",
    2,
  ]);
  assert.deepEqual(said, [
    'the best checkpoint is chosen by the IoU of "bus" in "worn" from here on, and was by ' +
    'the mIoU of "worn": the next evaluation takes its place',
  ]);
  const old = { metrics: { "best.worn": 0.3 }, iteration: 1, best: undefined };
  assert.equal(resumedRecord(config, old, () => {}).value, 0.3);
});

Deno.test("evaluation.best and earlyStopping name what is unknown or cannot be", () => {
  const refusals: [string, string][] = [
    [
      "evaluation.best.evaluation=wron",
      'evaluation.best.evaluation: must be one of "data.evaluations", "worn", or null for ' +
      'the first: received "wron"; did you mean "worn"?',
    ],
    [
      "evaluation.best.score=miou",
      'evaluation.best.score: must be one of "mIoU", "meanAccuracy", "meanDice", ' +
      '"pixelAccuracy", "frequencyWeightedIoU": received "miou"; did you mean "mIoU"?',
    ],
    [
      "evaluation.best={score: pixelAccuracy, class: bus}",
      'evaluation.best.class: must be null with the score "pixelAccuracy", which is of all ' +
      'pixels: of a class there are "mIoU" (its IoU), "meanAccuracy" and "meanDice"',
    ],
    [
      "evaluation={interval: 0, earlyStopping: {patience: 3}}",
      "evaluation.earlyStopping: needs evaluations while the run goes on: set " +
      '"evaluation.interval" above 0, or this to null',
    ],
  ];
  for (const [override, problem] of refusals) {
    assert.throws(() => example(override), problems(problem));
  }
});
