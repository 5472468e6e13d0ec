/** `bench methods --track camvid`: what was run, as tables and as one document. @module */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatTable } from "../../src/cli/format_table.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { loadConfig } from "../../src/config/read.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { parseEvaluationLine, readLines, runFolder } from "../../src/train/run_files.ts";
import { pathExists, type RunSummary } from "../../src/train/run_folder.ts";
import { left, right } from "../report.ts";
import { benchStep } from "../step/step.ts";
import { readRunSummary } from "../training_runs.ts";
import {
  holmCorrection,
  meanAndSpread,
  type PairedDifference,
  pairedDifference,
} from "./paired_difference.ts";
import { BUDGET_METHOD, type Problem, PROBLEMS } from "./problems.ts";
import {
  type Budget,
  BUDGETS,
  type Evidence,
  type EvidenceSize,
  gatherEvidence,
  type LearningRateChoice,
  methodsOf,
  seedsOf,
} from "./protocol.ts";

/** What is run unless something else is asked for. */
const SIZE: EvidenceSize = {
  seeds: 5,
  wallClockSeeds: 5,
  wallClockMethods: [],
  iterations: 200,
  startIterations: 1000,
  learningRates: [4e-4, 8e-4],
};
const ROUNDS = 15;

/** One training, as it is kept. */
export interface EvidenceRecord {
  readonly method: string;
  readonly budget: Budget;
  readonly seed: number;
  readonly iterations: number;
  /** Of the student and, where there is one, of the teacher on the test images, 0 … 1. */
  readonly test: { readonly student: number; readonly teacher: number | null };
  /** The same on the validation images. */
  readonly val: { readonly student: number; readonly teacher: number | null };
  /** Of the network that the method is judged by. */
  readonly primaryNetwork: "student" | "teacher";
  /** mIoU of the validation images of that network, by updates done. */
  readonly curve: readonly (readonly [iteration: number, mIoU: number])[];
  readonly secondsPerIteration: number;
}

/** Everything that is known of a problem; what pictures and tables are made from. */
export interface ProblemRecord {
  readonly problem: string;
  readonly title: string;
  readonly reference: string;
  readonly engine: string;
  readonly size: EvidenceSize;
  /** Of an iteration, in those of the reference. */
  readonly costs: Readonly<Record<string, number>>;
  readonly choices: Readonly<Record<string, LearningRateChoice>>;
  readonly runs: readonly EvidenceRecord[];
  readonly comparisons: readonly Comparison[];
}

/** Two methods on the test images, in points of mIoU (0 … 100). */
export interface Comparison extends PairedDifference {
  readonly budget: Budget;
  readonly method: string;
  readonly against: string;
  /** After Holm, for all comparisons of a problem and budget. */
  readonly corrected: number;
}

/** What `--save` kept of problems in a folder, in the order of the report. */
export async function readEvidence(folder: string): Promise<ProblemRecord[]> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  const files = names.filter((name) => /^camvid.*\.json$/.test(name)).toSorted();
  const texts = await Promise.all(
    files.map((name) => Deno.readTextFile(join(folder, name))),
  );
  const order = PROBLEMS.map(({ name }) => name);
  return texts
    .flatMap((text) => JSON.parse(text) as readonly ProblemRecord[])
    .toSorted((a, b) => order.indexOf(a.problem) - order.indexOf(b.problem));
}

/** Runs what is not done yet, and reports. */
export async function evidenceReport(
  options: {
    readonly set: readonly string[];
    readonly native: string;
    readonly seeds: number | undefined;
    /** As many as `seeds` unless given. */
    readonly wallClockSeeds: number | undefined;
    /** Names of methods besides that which gives the time; none: all. */
    readonly wallClockMethod: readonly string[];
    readonly iterations: number | undefined;
    readonly jobs: number | undefined;
    readonly out: string | undefined;
    /** Names of problems; none: all. */
    readonly only: readonly string[];
  },
  terminal: Terminal,
  log: (line: string) => void,
): Promise<{ text: string; json: readonly ProblemRecord[] }> {
  const { set, native, jobs = 1, out = "runs/camvid_methods", only } = options;
  const { wallClockMethod: wallClockMethods } = options;
  const { seeds = SIZE.seeds, iterations = SIZE.iterations } = options;
  const { wallClockSeeds = seeds } = options;
  const scale = iterations / SIZE.iterations;
  const size = {
    ...SIZE,
    ...{ seeds, wallClockSeeds, wallClockMethods, iterations },
    startIterations: Math.round(SIZE.startIterations * scale),
  };
  const wanted = PROBLEMS.filter(({ name }) => only.length === 0 || only.includes(name));
  if (wanted.length === 0) {
    throw new RangeError(
      `Cannot compare on "${only.join('", "')}": known are ` +
        PROBLEMS.map(({ name }) => name).join(" and "),
    );
  }
  const known = wanted.flatMap(({ methods }) => Object.keys(methods));
  for (const name of wallClockMethods) {
    if (known.includes(name)) continue;
    throw new RangeError(
      `Cannot compare "${name}" at equal wall clock: known are "${
        [...new Set(known)].join('", "')
      }"`,
    );
  }
  const records: ProblemRecord[] = [];
  for (const problem of wanted) {
    const root = join(out, problem.name);
    const base = await loadConfig(configFile(problem), set);
    const costs = await measureCosts(root, base, problem, native, log);
    const evidence = await gatherEvidence(root, base, problem, size, costs, {
      ...{ jobs, native, log },
    });
    records.push(await recordOf(problem, evidence, size, costs));
  }
  return {
    text: records.map((record) => textOf(record, terminal)).join("\n\n"),
    json: records,
  };
}

const configFile = ({ config }: Problem) =>
  fileURLToPath(new URL(`../configs/${config}.yaml`, import.meta.url));

// Measured once per folder, so that a comparison that goes on keeps its budgets.
async function measureCosts(
  root: string,
  base: RunConfig,
  { methods, reference }: Problem,
  native: string,
  log: (line: string) => void,
): Promise<Record<string, number>> {
  const file = join(root, "costs.json");
  if (await pathExists(file)) {
    return JSON.parse(await Deno.readTextFile(file)) as Record<string, number>;
  }
  log("measuring what an iteration of each method costs");
  const { times } = await benchStep(base, {
    backend: "wasm",
    cpu: { native, threads: 1 },
    methods: Object.keys(methods),
    known: methods,
    reference,
    rounds: ROUNDS,
    variants: ["ours"],
  });
  const unit = times.find(({ method }) => method === reference)?.cpuSeconds ?? NaN;
  const costs = Object.fromEntries(
    times.map(({ method, cpuSeconds }) => [method, cpuSeconds / unit]),
  );
  await Deno.mkdir(root, { recursive: true });
  await Deno.writeTextFile(file, JSON.stringify(costs, null, 2));
  return costs;
}

async function recordOf(
  problem: Problem,
  { choices, runs }: Evidence,
  size: EvidenceSize,
  costs: Readonly<Record<string, number>>,
): Promise<ProblemRecord> {
  let engine = "";
  const records = await Promise.all(
    runs.map(async ({ method, budget, seed, folder }): Promise<EvidenceRecord> => {
      const summary = await readRunSummary(folder);
      engine = summary.adapter;
      const evaluations = await readLines(
        runFolder(folder).evaluations,
        parseEvaluationLine,
      );
      return {
        ...{ method, budget, seed },
        iterations: summary.iterations,
        test: figuresOf(summary, "test"),
        val: figuresOf(summary, "val"),
        primaryNetwork: summary.primaryNetwork,
        curve: evaluations.flatMap(({ iteration, results, centerCrop }) => {
          const mIoU = results["val"]?.mIoU;
          return typeof mIoU === "number" && centerCrop === null
            ? [[iteration, mIoU] as const]
            : [];
        }),
        secondsPerIteration: summary.secondsPerIteration,
      };
    }),
  );
  const { name, title, reference } = problem;
  return {
    ...{ problem: name, title, reference, engine, size, costs, choices, runs: records },
    comparisons: comparisonsOf(problem, records, size),
  };
}

const budgetsOf = (size: EvidenceSize) =>
  BUDGETS.filter((budget) => seedsOf(size, budget) > 0);

function figuresOf({ student, teacher }: RunSummary, split: string) {
  const of = (results: RunSummary["student"]) =>
    results.find((result) => result.split === split)?.mIoU ?? null;
  return { student: of(student) ?? NaN, teacher: of(teacher) };
}

/**
 * The questions that are asked of a problem. Which look-ahead is best for its time is asked
 * where all have the same.
 */
function questionsOf(
  { methods, baseline, reference, control }: Problem,
  budget: Budget,
) {
  const against = (method: string) => method.startsWith("MIC, ") ? "MIC" : reference;
  const others = Object.keys(methods).filter((method) =>
    method !== reference && method !== baseline
  );
  const lookAheads = others.filter((method) => method.startsWith("FST-"));
  return [
    { method: reference, against: baseline },
    ...others.map((method) => ({ method, against: against(method) })),
    ...lookAheads.map((method) => ({ method, against: control })),
    ...budget === "wall clock"
      ? lookAheads
        .filter((method) => method !== BUDGET_METHOD)
        .map((method) => ({ method, against: BUDGET_METHOD }))
      : [],
  ];
}

/** The answers to all questions of a problem. */
export function comparisonsOf(
  problem: Problem,
  records: readonly EvidenceRecord[],
  size: EvidenceSize,
): Comparison[] {
  return budgetsOf(size).flatMap((budget) => compare(problem, records, size, budget));
}

function compare(
  problem: Problem,
  records: readonly EvidenceRecord[],
  size: EvidenceSize,
  budget: Budget,
): Comparison[] {
  const valuesOf = (method: string) =>
    records
      .filter((record) => record.method === method && record.budget === budget)
      .toSorted((a, b) => a.seed - b.seed)
      .map((record) => 100 * primaryOf(record));
  const known = methodsOf(problem, size, budget);
  const questions = questionsOf(problem, budget).filter(({ method, against }) =>
    known.includes(method) && known.includes(against)
  );
  const differences = questions.map(({ method, against }) => ({
    ...{ budget, method, against },
    ...pairedDifference(valuesOf(method), valuesOf(against)),
  }));
  const corrected = holmCorrection(differences.map(({ p }) => p));
  return differences.map((one, i) => ({ ...one, corrected: corrected[i] ?? NaN }));
}

/** mIoU of the test images of the network that the method is judged by. */
export const primaryOf = ({ test, primaryNetwork }: EvidenceRecord): number =>
  test[primaryNetwork] ?? NaN;

/** A difference of points of mIoU. */
export const signed = (value: number): string =>
  `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;

function textOf(record: ProblemRecord, terminal: Terminal): string {
  const { size } = record;
  const tables = budgetsOf(size).map((budget) => {
    const runs = record.runs.filter((run) => run.budget === budget);
    const methods = methodsOf({ methods: record.choices }, size, budget);
    const rows = methods.map((method) => {
      const own = runs.filter((run) => run.method === method);
      return [
        method,
        String(record.choices[method]?.learningRate),
        (record.costs[method] ?? NaN).toFixed(2),
        String(own[0]?.iterations),
        ...(["student", "teacher"] as const).map((network) =>
          spread(own.map(({ test }) => test[network]))
        ),
      ];
    });
    const columns = [
      left("method"),
      ...["rate", "cost", "updates", "student, test %", "teacher, test %"].map(right),
    ];
    const seeds = seedsOf(size, budget);
    return `${record.title}, equal ${budget}, ${seeds} seeds\n` +
      formatTable(columns, rows, terminal);
  });
  const differences = formatTable(
    [
      ...["equal", "method", "against"].map(left),
      ...["difference", "95 % interval", "p", "p, Holm", "could be seen"].map(right),
    ],
    record.comparisons.map(({ budget, method, against, mean, interval, p, ...rest }) => [
      ...[budget, method, against],
      signed(mean),
      interval.map(signed).join(" … "),
      p.toFixed(3),
      rest.corrected.toFixed(3),
      rest.detectable.toFixed(2),
    ]),
    terminal,
  );
  return [...tables, `Paired t tests\n${differences}`].join("\n\n");
}

/** Of a network that not all methods have. */
function spread(values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? "–" : meanAndSpread(known);
}
