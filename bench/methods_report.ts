/** `bench methods` as tables. @module */
import { join } from "node:path";
import { formatTable } from "../src/cli/table.ts";
import type { Terminal } from "../src/cli/terminal.ts";
import { loadConfig } from "../src/config/read.ts";
import { exists } from "../src/engine/run_folder.ts";
import {
  BUDGETS,
  type Cell,
  type Comparison,
  folderOf,
  runAll,
  STARTS,
  summaryOf,
} from "./methods.ts";
import { type Track, TRACKS } from "./methods_compared.ts";
import { benchStep } from "./step/step.ts";

const SEEDS = 5;
const ITERATIONS = 60;
// Of the pacemaker's iterations; one with labels alone is cheap.
const WARM_START_FACTOR = 3;
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
export async function benchMethods(
  options: {
    config: string;
    track: keyof typeof TRACKS;
    seeds: number | undefined;
    iterations: number | undefined;
    jobs: number | undefined;
    out: string | undefined;
    /** Where runs start from. */
    start: typeof STARTS[number] | "both";
  },
  terminal: Terminal,
  log: (line: string) => void,
): Promise<{ text: string; json: unknown }> {
  const { seeds = SEEDS, iterations = ITERATIONS, jobs = 1, out = "runs/bench" } =
    options;
  const track: Track = TRACKS[options.track];
  const starts = options.start === "both" ? STARTS : [options.start];
  const costs = await costsOf(out, options.config, track, log);
  const comparison: Comparison = {
    seeds,
    iterations,
    costs,
    track,
    starts,
    warmStart: WARM_START_FACTOR * iterations,
  };
  const cells = await runAll(out, options.config, comparison, jobs, log);
  const rows = await rowsOf(out, cells, comparison);
  const text = starts.flatMap((start) =>
    BUDGETS.map((budget) => {
      const title =
        `from ${start === "scratch" ? "scratch" : `a trained ${track.start} start`}, ` +
        `equal ${budget === "time" ? "wall clock" : "iterations"}`;
      const mine = rows.filter((row) => row.start === start && row.budget === budget);
      return `${title}\n${table(mine, terminal)}`;
    })
  ).join("\n\n");
  return { text, json: { seeds, iterations, costs, rows } };
}

// Measured once per folder, so that a comparison that goes on keeps its budgets.
async function costsOf(
  out: string,
  config: string,
  { methods, reference }: Track,
  log: (line: string) => void,
): Promise<Record<string, number>> {
  const file = join(out, "costs.json");
  if (await exists(file)) {
    return JSON.parse(await Deno.readTextFile(file)) as Record<string, number>;
  }
  log("measuring what an iteration of each method costs");
  const { times } = await benchStep(await loadConfig(config), {
    backend: "wasm",
    methods: Object.keys(methods),
    reference,
    rounds: ROUNDS,
    variants: ["ours"],
  });
  const costs = Object.fromEntries(times.map(({ method, ratio }) => [method, ratio]));
  await Deno.mkdir(out, { recursive: true });
  await Deno.writeTextFile(file, JSON.stringify(costs, null, 2));
  return costs;
}

async function rowsOf(
  out: string,
  cells: readonly Cell[],
  { track: { methods }, starts }: Comparison,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const start of starts) {
    for (const budget of BUDGETS) {
      for (const method of Object.keys(methods)) {
        const mine = cells.filter((cell) =>
          cell.start === start && cell.budget === budget && cell.method === method
        );
        const summaries = await Promise.all(
          mine.map((cell) => summaryOf(folderOf(out, cell))),
        );
        rows.push({
          start,
          budget,
          method,
          iterations: mine[0]?.iterations ?? 0,
          student: summaries.map(({ evaluations }) => evaluations[0]?.mIoU ?? NaN),
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
      { title: "method", align: "left" },
      { title: "iterations", align: "right" },
      { title: "student mIoU %", align: "right" },
      { title: "teacher mIoU %", align: "right" },
    ],
    rows.map(({ method, iterations, student, teacher }) => [
      method,
      String(iterations),
      meanAndSpread(student),
      meanAndSpread(teacher),
    ]),
    terminal,
  );
}

/** Mean ± standard deviation over seeds, in %. */
function meanAndSpread(values: readonly number[]): string {
  if (values.some(Number.isNaN)) return "–"; // no teacher
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / Math.max(1, values.length - 1));
  return `${(100 * mean).toFixed(1)} ± ${(100 * deviation).toFixed(1)}`;
}
