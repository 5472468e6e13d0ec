/** The named evaluations of a run, for its student and its teacher. @module */
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
  };
}

/** Evaluates student and teacher on every data set that the configuration names. */
export async function evaluateAll(
  config: RunConfig,
  { network, learner }: { network: Network; learner: Learner },
): Promise<Evaluations> {
  const student = new Map<string, EvaluationResult>();
  const teacher = new Map<string, EvaluationResult>();
  const options = evaluationOptions(config);
  for (const [name, spec] of evaluationSpecs(config.data)) {
    const data = await openDataSet(spec);
    const of = (weights: Weights) => evaluate(network, weights, data, options);
    student.set(name, await of(learner.student));
    if (learner.teacher !== null) teacher.set(name, await of(learner.teacher));
  }
  return { student, teacher };
}
