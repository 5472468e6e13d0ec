/** The result of a finished run. @module */
import type { RunConfig } from "../config/schema.ts";
import type { BackendInfo } from "../core/backend.ts";
import { readConfig } from "../config/read.ts";
import type { EvaluationResult } from "./evaluate.ts";
import { type Evaluations, judgedOf } from "./evaluations.ts";
import { assertSameRun } from "./config_difference.ts";
import { exists, type RunFolder } from "./run_folder.ts";
import { type SubsetFigures, subsetFigures, usualSubsets } from "./subsets.ts";
import { versions } from "./versions.ts";

/** The figures of one network on one named data set. */
export interface NamedResult extends EvaluationResult {
  /** The name of the evaluation in the configuration. */
  readonly split: string;
  /** Means over groups of classes; of a run, the two of SYNTHIA where that is its source. */
  readonly subsets: readonly SubsetFigures[];
}

/** What `summary.json` holds. */
export interface RunSummary {
  /** All of it. */
  readonly config: RunConfig;
  /** Where it was computed. */
  readonly backend: string;
  /** On what. */
  readonly adapter: string;
  /** Of the whole run. */
  readonly iterations: number;
  /** Mean over this process's share of the run, without evaluation and saving. */
  readonly secondsPerIteration: number;
  /** Whose figures `evaluation` holds: those that the run is for. */
  readonly judged: "student" | "teacher";
  /** They on the first named data set. */
  readonly evaluation: NamedResult;
  /** The student on all of them. */
  readonly evaluations: readonly NamedResult[];
  /** The teacher on all of them. */
  readonly teacher: readonly NamedResult[];
  /** Of everything that computes, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Puts a summary together. */
export function summarise(
  config: RunConfig,
  { name, adapter }: BackendInfo,
  measured: Evaluations,
  secondsPerIteration: number,
): RunSummary {
  const named = (results: Evaluations["student"]): NamedResult[] =>
    [...results].map(([split, result]) => ({
      split,
      ...result,
      subsets: usualSubsets(config, result.classes).map((subset) =>
        subsetFigures(subset, result.classes)
      ),
    }));
  const { student, teacher, judged } = measured;
  const [evaluation] = named(judgedOf(measured));
  if (evaluation === undefined) {
    throw new RangeError("Cannot summarise: nothing was evaluated");
  }
  return {
    config,
    backend: name,
    adapter,
    iterations: config.iterations,
    secondsPerIteration,
    judged,
    evaluation,
    evaluations: named(student),
    teacher: named(teacher),
    versions: versions(),
  };
}

/**
 * The summary of a run that is finished.
 *
 * @returns Null if the folder holds no finished run.
 * @throws {Error} If it is the result of another configuration.
 */
export async function readSummary(
  { path, summary, config: configFile }: RunFolder,
  config: RunConfig,
): Promise<RunSummary | null> {
  if (await exists(configFile)) {
    const there = readConfig(await Deno.readTextFile(configFile), configFile);
    assertSameRun(path, there, config);
  }
  if (!await exists(summary)) return null;
  // Written by this module, whole or not at all.
  return JSON.parse(await Deno.readTextFile(summary)) as RunSummary;
}
