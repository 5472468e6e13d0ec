/** From a method's configuration to the loss of labeled pixels. @module */
import {
  countedClassWeights,
  type CriterionTermConfig,
  criterionTerms,
  givenClassWeights,
} from "../config/criterion.ts";
import { isSemiSupervised, type MethodConfig } from "../config/method.ts";
import type { ClassInfo } from "../core/host_batch.ts";
import type { ClassStatistics } from "../data/class_statistics.ts";
import { classWeights } from "../data/class_weights.ts";
import type { Criterion, CriterionTerm } from "../objectives/criterion.ts";

/** Class weights that follow from counts, by the name of the term, which a criterion has once. */
export type CountedWeights = Readonly<Record<string, readonly number[]>>;

/**
 * The loss of labeled pixels of a method.
 *
 * @param counted Of every term whose class weights follow from counts.
 * @throws {RangeError} If given weights do not fit the classes.
 */
export function buildCriterion(
  method: MethodConfig,
  classes: readonly ClassInfo[],
  counted: CountedWeights,
): Criterion {
  const published = isSemiSupervised(method) ? "valid" : "all";
  return {
    logsTerms: Array.isArray(method.criterion),
    terms: criterionTerms(method.criterion).map((term): CriterionTerm =>
      "classWeights" in term
        ? {
          ...term,
          average: term.average ?? published,
          classWeights: weightsOf(term, classes, counted),
        }
        : term
    ),
  };
}

/**
 * The class weights of a criterion that follow from counts.
 *
 * @param saved Those with which the run began, which stay; undefined at its beginning.
 * @param statistics Counts the labels, if weights depend on it.
 * @param log Is told of all class weights in force.
 */
export async function countedWeights(
  { criterion }: MethodConfig,
  classes: readonly ClassInfo[],
  saved: CountedWeights | undefined,
  statistics: () => Promise<ClassStatistics>,
  log: (line: string) => void,
): Promise<CountedWeights> {
  const weights: Record<string, readonly number[]> = {};
  for (const term of criterionTerms(criterion)) {
    const counted = countedClassWeights(term);
    if (counted === null) continue;
    const { rule, beta } = counted;
    weights[term.name] = saved?.[term.name] ??
      classWeights(rule, await statistics(), beta);
  }
  for (const term of criterionTerms(criterion)) {
    if (!("classWeights" in term) || term.classWeights === null) continue;
    logWeights(term, weightsOf(term, classes, weights) ?? [], classes, log);
  }
  return weights;
}

/** Weights of 1 in place of those that follow from counts, where no result matters. */
export function uncountedWeights(
  { criterion }: MethodConfig,
  classes: readonly ClassInfo[],
): CountedWeights {
  const terms = criterionTerms(criterion).filter((term) => countedClassWeights(term));
  return Object.fromEntries(terms.map(({ name }) => [name, classes.map(() => 1)]));
}

function weightsOf(
  term: Extract<CriterionTermConfig, { readonly classWeights: unknown }>,
  classes: readonly ClassInfo[],
  counted: CountedWeights,
): readonly number[] | null {
  const key = `"method.criterion.classWeights" of "${term.name}"`;
  if (typeof term.classWeights === "string") {
    const weights = counted[term.name];
    if (weights?.length === classes.length) return weights;
    throw new TypeError(
      `Cannot use ${key}: "${term.classWeights}" needs the counts of labels; see ` +
        "countedWeights()",
    );
  }
  try {
    return givenClassWeights(term.classWeights, classes.map(({ name }) => name));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`Cannot use ${key}: ${error.message}`, { cause: error });
  }
}

function logWeights(
  { name, classWeights: rule }: { readonly name: string; readonly classWeights: unknown },
  weights: readonly number[],
  classes: readonly ClassInfo[],
  log: (line: string) => void,
): void {
  const of = (id: number) => classes[id]?.name ?? String(id);
  const list = weights.map((weight, id) => `${of(id)} ${Number(weight.toPrecision(4))}`);
  const origin = typeof rule === "string" ? ` (${rule})` : "";
  log(`class weights of ${name}${origin}: ${list.join(", ")}`);
  if (typeof rule !== "string") return;
  const absent = weights.flatMap((weight, id) => weight === 0 ? [`"${of(id)}"`] : []);
  if (absent.length > 0) {
    log(`without a labeled pixel, hence of weight 0: ${absent.join(", ")}`);
  }
  const present = weights.filter((weight) => weight > 0);
  if (rule !== "effective-number" || Math.max(...present) > 1.01 * Math.min(...present)) {
    return;
  }
  log(
    "these weights are all the same: all classes have far more pixels than " +
      '1 / (1 − "beta"); set it nearer to 1',
  );
}
