/** `bench methods` as tables. @module */
import { join } from "node:path";
import { formatTable } from "../src/cli/format_table.ts";
import type { Terminal } from "../src/cli/terminal.ts";
import { loadConfig } from "../src/config/read.ts";
import { pathExists } from "../src/train/run_folder.ts";
import {
  BUDGETS,
  type ComparedRun,
  type Comparison,
  INITIALIZATIONS,
  runComparison,
  runFolderOf,
} from "./methods.ts";
import { type Track, TRACKS } from "./compared_methods.ts";
import { benchStep } from "./step/step.ts";
import { meanAndSpread } from "./evidence/paired_difference.ts";
import { left, right } from "./report.ts";
import { readRunSummary } from "./training_runs.ts";

const SEEDS = 5;
const ITERATIONS = 60;
// Of the iterations of the method whose time all get; one with labels alone is cheap.
const PRETRAIN_FACTOR = 3;
const ROUNDS = 12;

interface Row {
  readonly start: string;
  readonly budget: string;
  readonly method: string;
  readonly iterations: number;
  /** Target mIoU of each seed, 0 … 1. */
  readonly student: readonly number[];
  readonly teacher: readonly number[];
}

/** Runs the comparison, or what is left of it, and reports mean and spread. */
export async function methodsReport(
  options: {
    config: string;
    track: keyof typeof TRACKS;
    seeds: number | undefined;
    iterations: number | undefined;
    jobs: number | undefined;
    out: string | undefined;
    /** Where runs start from. */
    start: typeof INITIALIZATIONS[number] | "both";
  },
  terminal: Terminal,
  log: (line: string) => void,
): Promise<{ text: string; json: unknown }> {
  const { seeds = SEEDS, iterations = ITERATIONS, jobs = 1, out = "runs/bench" } =
    options;
  const track: Track = TRACKS[options.track];
  const starts = options.start === "both" ? INITIALIZATIONS : [options.start];
  const relativeCosts = await measureCosts(out, options.config, track, log);
  const comparison: Comparison = {
    seeds,
    iterations,
    relativeCosts,
    track,
    starts,
    pretrainIterations: PRETRAIN_FACTOR * iterations,
  };
  const comparedRuns = await runComparison(out, options.config, comparison, jobs, log);
  const rows = await tableRows(out, comparedRuns, comparison);
  const text = starts.flatMap((start) =>
    BUDGETS.map((budget) => {
      const title =
        `from ${
          start === "scratch" ? "scratch" : `a trained ${track.pretrainMethod} start`
        }, ` +
        `equal ${budget === "time" ? "wall clock" : "iterations"}`;
      const sectionRows = rows.filter((row) =>
        row.start === start && row.budget === budget
      );
      return `${title}\n${table(sectionRows, terminal)}`;
    })
  ).join("\n\n");
  return { text, json: { seeds, iterations, costs: relativeCosts, rows } };
}

// Measured once per folder, so that a comparison that goes on keeps its budgets.
async function measureCosts(
  out: string,
  config: string,
  { methods, costReference }: Track,
  log: (line: string) => void,
): Promise<Record<string, number>> {
  const file = join(out, "costs.json");
  if (await pathExists(file)) {
    return JSON.parse(await Deno.readTextFile(file)) as Record<string, number>;
  }
  log("measuring what an iteration of each method costs");
  const { times } = await benchStep(await loadConfig(config), {
    backend: "wasm",
    methods: Object.keys(methods),
    reference: costReference,
    rounds: ROUNDS,
    variants: ["ours"],
  });
  const costs = Object.fromEntries(times.map(({ method, ratio }) => [method, ratio]));
  await Deno.mkdir(out, { recursive: true });
  await Deno.writeTextFile(file, JSON.stringify(costs, null, 2));
  return costs;
}

async function tableRows(
  out: string,
  runs: readonly ComparedRun[],
  { track: { methods }, starts }: Comparison,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const start of starts) {
    for (const budget of BUDGETS) {
      for (const method of Object.keys(methods)) {
        const matchingRuns = runs.filter((run) =>
          run.start === start && run.budget === budget && run.method === method
        );
        const summaries = await Promise.all(
          matchingRuns.map((run) => readRunSummary(runFolderOf(out, run))),
        );
        rows.push({
          start,
          budget,
          method,
          iterations: matchingRuns[0]?.iterations ?? 0,
          student: summaries.map(({ student: evaluations }) =>
            evaluations[0]?.mIoU ?? NaN
          ),
          teacher: summaries.map(({ teacher }) => teacher[0]?.mIoU ?? NaN),
        });
      }
    }
  }
  return rows;
}

function table(rows: readonly Row[], terminal: Terminal): string {
  return formatTable(
    [
      left("method"),
      right("iterations"),
      right("student mIoU %"),
      right("teacher mIoU %"),
    ],
    rows.map(({ method, iterations, student, teacher }) => [
      method,
      String(iterations),
      meanAndSpread(student),
      teacher.some(Number.isNaN) ? "–" : meanAndSpread(teacher), // not all have one
    ]),
    terminal,
  );
}
