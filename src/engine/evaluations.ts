/** The named evaluations of a run, for its student and its teacher. @module */
import { judgedAt } from "../config/method.ts";
import type { RunConfig } from "../config/schema.ts";
import type { Network } from "../core/network.ts";
import { openDataSet } from "../data/data_set.ts";
import type { Learner } from "../methods/learner.ts";
import { evaluationSpecs } from "./data.ts";
import { evaluate, type EvaluationOptions, type EvaluationResult } from "./evaluate.ts";

/** Figures by the name of the data set; the first name decides which network is best. */
export interface Evaluations {
  /** Empty where only the teacher was asked for. */
  readonly student: ReadonlyMap<string, EvaluationResult>;
  /** Empty without a teacher, or where only the student was asked for. */
  readonly teacher: ReadonlyMap<string, EvaluationResult>;
  /** Which of them the run is for. */
  readonly judged: "student" | "teacher";
}

/** The figures that a run is for. */
export function judgedOf(
  evaluations: Evaluations,
): ReadonlyMap<string, EvaluationResult> {
  return evaluations[evaluations.judged];
}

/** How a configuration wants pictures to be looked at. */
export function evaluationOptions({ data, evaluation }: RunConfig): EvaluationOptions {
  const { mode, window, stride, images } = evaluation;
  const { resize, normalisation } = data;
  return {
    mode,
    window,
    stride,
    images,
    resize,
    normalisation,
    scales: [1],
    flip: false,
    centre: null,
    trimap: null,
  };
}

/** What is measured of a run. */
export interface Measure {
  /** The network that the run is for, or the other one too. */
  readonly networks: "judged" | "both";
  /** Whole pictures by "evaluation.mode", or those of "evaluation.centre" if it says any. */
  readonly pictures: "whole" | "centre";
  /** Where it is kept what is where in archives; null for nowhere. */
  readonly cache: string | null;
}

/** Evaluates a run on every data set that its configuration names. */
export async function evaluateAll(
  config: RunConfig,
  { network, learner, iteration }: {
    network: Network;
    learner: Learner;
    iteration: number;
  },
  { networks, pictures, cache }: Measure,
): Promise<Evaluations> {
  const judged = judgedAt(config.method, iteration);
  const results = {
    student: new Map<string, EvaluationResult>(),
    teacher: new Map<string, EvaluationResult>(),
  };
  const { centre } = config.evaluation;
  const options: EvaluationOptions = pictures === "whole" || centre === null
    ? evaluationOptions(config)
    : { ...evaluationOptions(config), mode: "whole", centre };
  for (const [name, spec] of evaluationSpecs(config.data, cache)) {
    const data = await openDataSet(spec);
    for (const who of ["student", "teacher"] as const) {
      const weights = learner[who];
      if (weights === null || (networks === "judged" && who !== judged)) continue;
      const all = await evaluate(network, weights, data, options);
      // A summary is for reading: figures without the counts that they come from.
      const { confusion: _counts, trimap: _band, ...result } = all;
      results[who].set(name, result);
    }
  }
  return { ...results, judged };
}
