/** The named evaluations of a run, for its student and its teacher. @module */
import { judgedAt } from "../config/method.ts";
import type { RunConfig } from "../config/schema.ts";
import type { Network, Weights } from "../core/network.ts";
import { openDataSet } from "../data/data_set.ts";
import type { Learner } from "../methods/learner.ts";
import { evaluationSpecs } from "./data.ts";
import { evaluate, type EvaluationOptions, type EvaluationResult } from "./evaluate.ts";

/** Figures by the name of the data set; the first name decides which network is best. */
export interface Evaluations {
  readonly student: ReadonlyMap<string, EvaluationResult>;
  /** Empty without a teacher. */
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
  };
}

/**
 * Evaluates student and teacher on every data set that the configuration names.
 *
 * @param asFinal Whether by "evaluation.mode" in any case, or by "evaluation.centre".
 */
export async function evaluateAll(
  config: RunConfig,
  { network, learner, iteration }: {
    network: Network;
    learner: Learner;
    iteration: number;
  },
  asFinal: boolean,
): Promise<Evaluations> {
  const student = new Map<string, EvaluationResult>();
  const teacher = new Map<string, EvaluationResult>();
  const { centre } = config.evaluation;
  const options: EvaluationOptions = asFinal || centre === null
    ? evaluationOptions(config)
    : { ...evaluationOptions(config), mode: "whole", centre };
  for (const [name, spec] of evaluationSpecs(config.data)) {
    const data = await openDataSet(spec);
    const of = (weights: Weights) => evaluate(network, weights, data, options);
    student.set(name, await of(learner.student));
    if (learner.teacher !== null) teacher.set(name, await of(learner.teacher));
  }
  return { student, teacher, judged: judgedAt(config.method, iteration) };
}
