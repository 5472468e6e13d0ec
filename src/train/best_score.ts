/**
 * The score that decides which checkpoint is the best, and when a run stops early.
 *
 * Both follow from a record of the evaluations so far, which is part of every checkpoint:
 * a run that goes on stops where it would have stopped.
 *
 * @module
 */
import { isSemiSupervised } from "../config/method.ts";
import type { BestConfig, RunConfig } from "../config/schema.ts";
import type { EvaluationResult } from "../evaluate/evaluate.ts";
import { nanMean } from "../objectives/segmentation_metrics.ts";
import type { CheckpointMetadata } from "../weights/checkpoint.ts";

/** What is kept of the evaluations of a run. */
export type BestRecord = NonNullable<CheckpointMetadata["best"]>;

/** What one evaluation came to. */
export interface Score {
  /** As `IoU of "car" in "val"`. */
  readonly name: string;
  /** In 0 … 1; null: undefined, as the IoU of a class that does not occur. */
  readonly value: number | null;
  /** Whether it is the best so far. */
  readonly isBest: boolean;
}

/** How the score of a class is called, and that of all where it has more than one word. */
const NAMES: Readonly<
  Record<BestConfig["score"], { readonly all: string; readonly ofClass: string }>
> = {
  mIoU: { all: "mIoU", ofClass: "IoU" },
  meanAccuracy: { all: "mean accuracy", ofClass: "accuracy" },
  meanDice: { all: "mean Dice", ofClass: "Dice" },
  pixelAccuracy: { all: "pixel accuracy", ofClass: "" },
  frequencyWeightedIoU: { all: "frequency-weighted IoU", ofClass: "" },
};

type BestOptions = Pick<RunConfig, "data" | "evaluation">;
type Measure = Pick<BestRecord, "evaluation" | "score" | "class">;

/** What decides: the score of one evaluation, or of one class in it. */
export function measureOf({ data, evaluation: { best } }: BestOptions): Measure {
  const { evaluation, score, class: name } = best;
  const [first = ""] = Object.keys(data.evaluations);
  return { evaluation: evaluation ?? first, score, class: name };
}

/** The same in words: `mIoU of "val"`. */
function measureName({ evaluation, score, class: name }: Measure): string {
  return name === null
    ? `${NAMES[score].all} of "${evaluation}"`
    : `${NAMES[score].ofClass} of "${name}" in "${evaluation}"`;
}

/** The record of a run before its first evaluation, or from where it is chosen anew. */
export function emptyRecord(config: BestOptions, iteration: number): BestRecord {
  return {
    ...measureOf(config),
    ...{ value: null, iteration: 0 },
    ...{ evaluatedIteration: iteration, valueToBeat: null, evaluationsWithoutBetter: 0 },
  };
}

/**
 * The record with which a run goes on.
 *
 * @param saved That of its checkpoint; earlier versions have but the best mIoU.
 * @param log Called with a sentence if the score is another one from here on.
 */
export function resumedRecord(
  config: RunConfig,
  { best, metrics, iteration }: Pick<
    CheckpointMetadata,
    "best" | "metrics" | "iteration"
  >,
  log: (line: string) => void,
): BestRecord {
  // Whether the last iteration was evaluated they do not say: it is again.
  const empty = emptyRecord(config, Math.min(iteration, config.iterations - 1));
  if (best === undefined) {
    const value = metrics[`best.${empty.evaluation}`] ?? null;
    const isSame = empty.score === "mIoU" && empty.class === null;
    return isSame ? { ...empty, value, valueToBeat: value } : empty;
  }
  const measure: readonly (keyof Measure)[] = ["evaluation", "score", "class"];
  if (measure.every((name) => best[name] === empty[name])) return best;
  log(
    `the best checkpoint is chosen by the ${
      measureName(empty)
    } from here on, and was by ` +
      `the ${measureName(best)}: the next evaluation takes its place`,
  );
  return { ...empty, evaluatedIteration: best.evaluatedIteration };
}

/**
 * Judges an evaluation.
 *
 * Evaluations of a semi-supervised run while it trains on labels alone do not count for
 * early stopping, nor do those whose score is undefined.
 *
 * @param results Of the primary network, by evaluation.
 * @returns The score, and the record with it.
 */
export function judge(
  record: BestRecord,
  config: RunConfig,
  results: ReadonlyMap<string, EvaluationResult>,
  iteration: number,
): { readonly score: Score; readonly record: BestRecord } {
  const result = results.get(record.evaluation);
  const value = result === undefined ? null : scoreOf(record, result);
  const name = measureName(record);
  // Evaluated once more, by a call that has to make the summary.
  if (iteration === record.evaluatedIteration) {
    return { score: { name, value, isBest: iteration === record.iteration }, record };
  }
  const isBest = value !== null && value > (record.value ?? -Infinity);
  const score = { name, value, isBest };
  const noted = {
    ...record,
    ...isBest && { value, iteration },
    evaluatedIteration: iteration,
  };
  const { method, evaluation: { earlyStopping } } = config;
  if (isSemiSupervised(method) && iteration <= method.supervisedOnlyIterations) {
    return { score, record: noted };
  }
  if (value === null) return { score, record: noted };
  const { valueToBeat, evaluationsWithoutBetter } = record;
  const isBetter = valueToBeat === null ||
    value > valueToBeat + (earlyStopping?.minDelta ?? 0);
  return {
    score,
    record: {
      ...noted,
      valueToBeat: isBetter ? value : valueToBeat,
      evaluationsWithoutBetter: isBetter ? 0 : evaluationsWithoutBetter + 1,
    },
  };
}

/** Why a run stops after so many iterations; null: it goes on. */
export function stopReason(
  record: BestRecord,
  config: RunConfig,
  iteration: number,
): string | null {
  const { earlyStopping } = config.evaluation;
  const { evaluationsWithoutBetter: count, valueToBeat } = record;
  if (earlyStopping === null || count < earlyStopping.patience) return null;
  const figure = `${(100 * (valueToBeat ?? NaN)).toFixed(2)} %`;
  const { minDelta } = earlyStopping;
  const margin = minDelta === 0
    ? ""
    : ` by more than ${Number((100 * minDelta).toPrecision(6))} points`;
  return `stopped early at iteration ${iteration} of ${config.iterations}: ` +
    `in ${count} ${count === 1 ? "evaluation" : "evaluations"} the ` +
    `${measureName(record)} was not above ${figure}${margin}`;
}

/** What to say of a score; null: it is defined, and one of the figures of every evaluation. */
export function scoreNote(
  config: RunConfig,
  { name: scoreName, value, isBest }: Score,
): string | null {
  const { evaluation, score, class: name } = measureOf(config);
  if (value !== null) {
    if (name === null && (score === "mIoU" || score === "pixelAccuracy")) return null;
    return `${scoreName}: ${(100 * value).toFixed(1)} %${
      isBest ? ", the best so far" : ""
    }`;
  }
  const [what, cure] = name === null
    ? ["no pixel", "check its labels with deno task prepare"]
    : [
      `no pixel of "${name}"`,
      'set "evaluation.best.class" to one that occurs, or to null',
    ];
  return `${what} is labeled in the pictures of "${evaluation}" that were evaluated: the ` +
    `${scoreName} is undefined and this checkpoint not the best; ${cure}`;
}

/** In 0 … 1; null where it is undefined. */
function scoreOf(
  { score, class: name }: Measure,
  { classes, ...means }: EvaluationResult,
): number | null {
  const toNull = (value: number) => Number.isNaN(value) ? null : value;
  if (name === null) {
    return toNull(
      score === "meanDice"
        ? nanMean(classes.map(({ iou }) => iou === null ? NaN : diceOf(iou)))
        : means[score],
    );
  }
  const found = classes.find((one) => one.name === name);
  // Where it is predicted but never true, its IoU of 0 says nothing.
  if (found === undefined || found.accuracy === null) return null;
  if (score === "meanAccuracy" || found.iou === null) return found.accuracy;
  return score === "meanDice" ? diceOf(found.iou) : found.iou;
}

/** 2·I / (P + L) by I / (P + L − I). */
const diceOf = (iou: number) => 2 * iou / (1 + iou);
