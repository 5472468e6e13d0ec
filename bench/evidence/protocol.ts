/**
 * The methods against each other on real images, so that an answer can be trusted.
 *
 * 1. For each seed a network is trained with the labels alone: all methods start from it.
 * 2. For each method the learning rate is chosen among the same ones, by the mIoU of images
 *    that the test has not, with a seed that the test has not. As long as the highest one is
 *    the best of a method, it gets one that is twice as high; as long as the lowest one is,
 *    one half as high.
 * 3. With it, every method trains for each seed for the same number of updates, and for the
 *    number that takes as long as those of {@linkcode BUDGET_METHOD}.
 *
 * Time is counted in iterations of the reference, with what an iteration costs measured
 * beforehand in turns (`bench step`): the result does not depend on what else the machine
 * was doing.
 *
 * @module
 */
import { join } from "node:path";
import type { RunConfig } from "../../src/config/schema.ts";
import { runFolder } from "../../src/train/run_files.ts";
import { withMethod } from "../compared_methods.ts";
import {
  readRunSummary,
  trainAll,
  type TrainingOptions,
  type TrainingRun,
} from "../training_runs.ts";
import { BUDGET_METHOD, type Problem } from "./problems.ts";

/** The size of a comparison. */
export interface EvidenceSize {
  /** Seeds 0, 1, … of the test at equal updates. */
  readonly seeds: number;
  /** Those at equal wall clock; 0 leaves it out. */
  readonly wallClockSeeds: number;
  /** Methods of the test at equal wall clock besides {@linkcode BUDGET_METHOD}; none: all. */
  readonly wallClockMethods: readonly string[];
  /** Updates of every method at equal updates. */
  readonly iterations: number;
  /** Updates with labels alone that train the start. */
  readonly startIterations: number;
  /** Those that are tried for every method, in ascending order. */
  readonly learningRates: readonly number[];
}

/** What runs may use up. */
export const BUDGETS = ["updates", "wall clock"] as const;
/** One of {@linkcode BUDGETS}. */
export type Budget = typeof BUDGETS[number];

/** Seeds of a comparison. */
export const seedsOf = (
  { seeds, wallClockSeeds }: Pick<EvidenceSize, "seeds" | "wallClockSeeds">,
  budget: Budget,
): number => budget === "updates" ? seeds : wallClockSeeds;

/** Methods of a comparison, in their order. */
export function methodsOf(
  { methods }: Pick<Problem, "methods">,
  { wallClockMethods }: Pick<EvidenceSize, "wallClockMethods">,
  budget: Budget,
): string[] {
  const all = Object.keys(methods);
  return budget === "updates" || wallClockMethods.length === 0
    ? all
    : all.filter((name) => name === BUDGET_METHOD || wallClockMethods.includes(name));
}

/** The seed with which learning rates are chosen. */
const CHOICE_SEED = 100;

/** Points of a curve. */
const EVALUATIONS = 6;

/** One training of the test. */
export interface EvidenceRun extends TrainingRun {
  readonly method: string;
  readonly budget: Budget;
  readonly seed: number;
}

/** What was chosen and run. */
export interface Evidence {
  /** By method; of what it was chosen from, the mIoU of the validation images. */
  readonly choices: Readonly<Record<string, LearningRateChoice>>;
  readonly runs: readonly EvidenceRun[];
}

/** The learning rate of a method. */
export interface LearningRateChoice {
  readonly learningRate: number;
  /** In ascending order. */
  readonly tried: readonly { readonly learningRate: number; readonly mIoU: number }[];
}

/** The best of what was tried; of several alike, the lowest. */
export function choiceAmong(trials: LearningRateChoice["tried"]): LearningRateChoice {
  const tried = trials.toSorted((a, b) => a.learningRate - b.learningRate);
  const best = tried.reduce((best, one) => one.mIoU > best.mIoU ? one : best);
  return { learningRate: best.learningRate, tried };
}

/** What is to be tried next, as the best is at an end of what was. */
export function ratesBeyond({ learningRate, tried }: LearningRateChoice): number[] {
  return [
    ...learningRate === tried[0]?.learningRate ? [learningRate / 2] : [],
    ...learningRate === tried.at(-1)?.learningRate ? [2 * learningRate] : [],
  ];
}

/**
 * Runs what is not done yet of a comparison.
 *
 * @param costs Of an iteration, in iterations of the reference, by method.
 */
export async function gatherEvidence(
  root: string,
  base: RunConfig,
  problem: Problem,
  size: EvidenceSize,
  costs: Readonly<Record<string, number>>,
  options: TrainingOptions,
): Promise<Evidence> {
  const { iterations, learningRates } = size;
  const seeds = Math.max(size.seeds, size.wallClockSeeds);
  const methods = Object.keys(problem.methods);
  const configOf = (
    method: string,
    seed: number,
    iterations: number,
    rest: Partial<RunConfig>,
  ) => runConfig(base, problem, method, { seed, iterations, ...rest });

  const startOf = (seed: number): TrainingRun => ({
    folder: join(root, "start", `seed${seed}`),
    config: configOf(problem.baseline, seed, size.startIterations, {}),
  });
  const allSeeds = [CHOICE_SEED, ...Array.from({ length: seeds }, (_, seed) => seed)];
  await trainAll(allSeeds.map(startOf), options);
  const fromStart = (method: string, seed: number, count: number, learningRate: number) =>
    configOf(method, seed, count, {
      model: {
        ...base.model,
        pretrained: runFolder(startOf(seed).folder).lastCheckpoint,
      },
      optimizer: { ...base.optimizer, learningRate },
    });

  const trialOf = (method: string, learningRate: number) => ({
    ...{ method, learningRate },
    folder: join(root, "choice", `${fileName(method)}_lr${learningRate}`),
    config: withoutTest(fromStart(method, CHOICE_SEED, iterations, learningRate)),
  });
  const choices: Record<string, LearningRateChoice> = {};
  let trials = methods.flatMap((method) =>
    learningRates.map((learningRate) => trialOf(method, learningRate))
  );
  while (trials.length > 0) {
    await trainAll(trials, options);
    for (const { method, learningRate, folder } of trials) {
      const { mIoU } = (await readRunSummary(folder)).evaluation;
      choices[method] = choiceAmong([...choices[method]?.tried ?? [], {
        learningRate,
        mIoU,
      }]);
    }
    trials = Object.entries(choices).flatMap(([method, choice]) =>
      ratesBeyond(choice).map((learningRate) => trialOf(method, learningRate))
    );
  }

  const time = iterations * (costs[BUDGET_METHOD] ?? NaN);
  const runs = BUDGETS.flatMap((budget) =>
    Array.from({ length: seedsOf(size, budget) }, (_, seed) => seed).flatMap((seed) =>
      methodsOf(problem, size, budget).map((method): EvidenceRun => {
        const count = budget === "updates"
          ? iterations
          : Math.round(time / (costs[method] ?? NaN));
        const { learningRate } = choices[method] as LearningRateChoice;
        const config = fromStart(method, seed, count, learningRate);
        const folder = join(root, "test", `${fileName(method)}_${count}_seed${seed}`);
        return { method, budget, seed, folder, config };
      })
    )
  );
  // A method that has the same number of updates in both is run once.
  await trainAll([...new Map(runs.map((run) => [run.folder, run])).values()], options);
  return { choices, runs };
}

function runConfig(
  base: RunConfig,
  { methods }: Problem,
  method: string,
  changes: Partial<RunConfig> & Pick<RunConfig, "iterations">,
): RunConfig {
  const interval = Math.max(1, Math.ceil(changes.iterations / EVALUATIONS));
  const config = {
    ...base,
    ...changes,
    evaluation: { ...base.evaluation, interval },
  };
  return withMethod(config, method, methods);
}

/** So that nothing can be chosen by what is tested with. */
function withoutTest(config: RunConfig): RunConfig {
  const { test: _, ...evaluations } = config.data.evaluations as Record<string, unknown>;
  return { ...config, data: { ...config.data, evaluations } as RunConfig["data"] };
}

const fileName = (method: string) => method.replace(/[^A-Za-z0-9]+/g, "_");
