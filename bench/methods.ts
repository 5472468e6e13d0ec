/**
 * The methods against each other on the embedded data set: at equal iterations and at
 * equal wall clock, from scratch and from a start trained with labels alone.
 *
 * Wall clock is counted in iterations of plain self-training, or of the mean teacher where
 * labels are few: a method whose iteration costs r of them gets 1/r as many, with r measured beforehand in one process (`bench step`). So the
 * result does not depend on what else the machine was doing.
 *
 * @module
 */
import { join } from "node:path";
import { loadConfig } from "../src/config/read.ts";
import type { RunConfig } from "../src/config/schema.ts";
import { runFolder } from "../src/train/run_files.ts";
import { type Track, withMethod } from "./compared_methods.ts";
import { trainAll, type TrainingRun } from "./training_runs.ts";

/** Where a run starts from. */
export const INITIALIZATIONS = ["scratch", "trained"] as const;
/** What a run may use up. */
export const BUDGETS = ["iterations", "time"] as const;

/** One run of the comparison. */
export interface ComparedRun {
  readonly method: string;
  readonly start: typeof INITIALIZATIONS[number];
  readonly budget: typeof BUDGETS[number];
  readonly seed: number;
  readonly iterations: number;
}

/** The size of the comparison. */
export interface Comparison {
  readonly seeds: number;
  /** T: real steps at equal iterations. */
  readonly iterations: number;
  /** Cost of an iteration in iterations of the track's reference, by method. */
  readonly relativeCosts: Readonly<Record<string, number>>;
  /** The methods; the T iterations of `budgetMethod` set the time that all others get. */
  readonly track: Track;
  /** Where runs start from. */
  readonly starts: readonly (typeof INITIALIZATIONS[number])[];
  /** Iterations that train the network of a trained start. */
  readonly pretrainIterations: number;
}

/** All runs of a comparison; one that would be the same twice is there once. */
export function comparedRuns(
  { seeds, iterations, relativeCosts, track, starts }: Comparison,
): ComparedRun[] {
  const budget = iterations * (relativeCosts[track.budgetMethod] ?? NaN);
  const runs: ComparedRun[] = [];
  for (let seed = 0; seed < seeds; seed++) {
    for (const start of starts) {
      for (const method of Object.keys(track.methods)) {
        const affordable = Math.round(budget / (relativeCosts[method] ?? NaN));
        const common = { method, start, seed };
        runs.push({ ...common, budget: "iterations", iterations });
        runs.push({ ...common, budget: "time", iterations: affordable });
      }
    }
  }
  return runs;
}

/** The folder of a run: equal runs share one. */
export function runFolderOf(
  root: string,
  { method, start, seed, iterations }: ComparedRun,
): string {
  const name = method.replace(/[^A-Za-z0-9]+/g, "_");
  return join(root, start, `${name}_${iterations}_seed${seed}`);
}

/** The configuration of a run; a trained start names the run of its seed that trained it. */
export function runConfigOf(
  base: RunConfig,
  run: ComparedRun,
  pretrained: string | null,
): RunConfig {
  const { seed, iterations, method } = run;
  const optimizer = {
    ...base.optimizer,
    warmupIterations: Math.min(
      base.optimizer.warmupIterations,
      Math.floor(iterations / 4),
    ),
  };
  const model = { ...base.model, pretrained };
  // Only the target is compared.
  const [[name, target] = ["", undefined]] = Object.entries(base.data.evaluations);
  const data = { ...base.data, evaluations: { [name]: target } } as RunConfig["data"];
  return withMethod({ ...base, seed, iterations, optimizer, model, data }, method);
}

/**
 * Runs everything that is not done yet, each run in a process of its own.
 *
 * @param jobs Processes at a time.
 */
export async function runComparison(
  root: string,
  baseFile: string,
  comparison: Comparison,
  jobs: number,
  log: (line: string) => void,
): Promise<ComparedRun[]> {
  const base = await loadConfig(baseFile);
  const runs = comparedRuns(comparison);
  const pretrainedFiles = new Map<number, string>();
  const pretraining: TrainingRun[] = [];
  for (let seed = 0; seed < comparison.seeds; seed++) {
    if (!comparison.starts.includes("trained")) break;
    const run: ComparedRun = {
      method: comparison.track.pretrainMethod,
      start: "scratch",
      budget: "iterations",
      seed,
      iterations: comparison.pretrainIterations,
    };
    const folder = runFolderOf(join(root, "start"), run);
    pretrainedFiles.set(seed, runFolder(folder).lastCheckpoint);
    pretraining.push({ folder, config: runConfigOf(base, run, null) });
  }
  const options = { jobs, native: "off", log };
  await trainAll(pretraining, options);
  const tasks = new Map<string, TrainingRun>();
  for (const run of runs) {
    const folder = runFolderOf(root, run);
    const pretrained = run.start === "trained"
      ? pretrainedFiles.get(run.seed) ?? null
      : null;
    tasks.set(folder, { folder, config: runConfigOf(base, run, pretrained) });
  }
  await trainAll([...tasks.values()], options);
  return runs;
}
