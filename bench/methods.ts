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
import { fileURLToPath } from "node:url";
import { loadConfig, writeConfig } from "../src/config/read.ts";
import type { RunConfig } from "../src/config/schema.ts";
import type { RunSummary } from "../src/engine/summary.ts";
import { exists, runFolder } from "../src/engine/run_folder.ts";
import { type Track, withMethod } from "./methods_compared.ts";

/** Where a run starts from. */
export const STARTS = ["scratch", "trained"] as const;
/** What a run may use up. */
export const BUDGETS = ["iterations", "time"] as const;

/** One run of the comparison. */
export interface Cell {
  readonly method: string;
  readonly start: typeof STARTS[number];
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
  readonly costs: Readonly<Record<string, number>>;
  /** The methods; the pacemaker's T iterations set the time that all others get. */
  readonly track: Track;
  /** Where runs start from. */
  readonly starts: readonly (typeof STARTS[number])[];
  /** Iterations that train the network of a trained start. */
  readonly warmStart: number;
}

/** All runs of a comparison; one that would be the same twice is there once. */
export function cellsOf(
  { seeds, iterations, costs, track, starts }: Comparison,
): Cell[] {
  const time = iterations * (costs[track.pacemaker] ?? NaN);
  const cells: Cell[] = [];
  for (let seed = 0; seed < seeds; seed++) {
    for (const start of starts) {
      for (const method of Object.keys(track.methods)) {
        const affordable = Math.round(time / (costs[method] ?? NaN));
        const at = { method, start, seed };
        cells.push({ ...at, budget: "iterations", iterations });
        cells.push({ ...at, budget: "time", iterations: affordable });
      }
    }
  }
  return cells;
}

/** The folder of a run: equal runs share one. */
export function folderOf(
  root: string,
  { method, start, seed, iterations }: Cell,
): string {
  const name = method.replace(/[^A-Za-z0-9]+/g, "_");
  return join(root, start, `${name}_${iterations}_seed${seed}`);
}

/** The configuration of a run; a trained start names the run of its seed that trained it. */
export function configOf(
  base: RunConfig,
  cell: Cell,
  pretrained: string | null,
): RunConfig {
  const { seed, iterations, method } = cell;
  const optimizer = {
    ...base.optimizer,
    warmup: Math.min(base.optimizer.warmup, Math.floor(iterations / 4)),
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
export async function runAll(
  root: string,
  baseFile: string,
  comparison: Comparison,
  jobs: number,
  log: (line: string) => void,
): Promise<Cell[]> {
  const base = await loadConfig(baseFile);
  const cells = cellsOf(comparison);
  const starts = new Map<number, string>();
  const warm: Task[] = [];
  for (let seed = 0; seed < comparison.seeds; seed++) {
    if (!comparison.starts.includes("trained")) break;
    const cell: Cell = {
      method: comparison.track.start,
      start: "scratch",
      budget: "iterations",
      seed,
      iterations: comparison.warmStart,
    };
    const folder = folderOf(join(root, "start"), cell);
    starts.set(seed, runFolder(folder).last);
    warm.push({ folder, config: configOf(base, cell, null) });
  }
  await inParallel(warm, jobs, log);
  const tasks = new Map<string, Task>();
  for (const cell of cells) {
    const folder = folderOf(root, cell);
    const pretrained = cell.start === "trained" ? starts.get(cell.seed) ?? null : null;
    tasks.set(folder, { folder, config: configOf(base, cell, pretrained) });
  }
  await inParallel([...tasks.values()], jobs, log);
  return cells;
}

/** The summary of a finished run. */
export async function summaryOf(folder: string): Promise<RunSummary> {
  return JSON.parse(await Deno.readTextFile(runFolder(folder).summary)) as RunSummary;
}

interface Task {
  readonly folder: string;
  readonly config: RunConfig;
}

async function inParallel(
  tasks: readonly Task[],
  jobs: number,
  log: (line: string) => void,
): Promise<void> {
  const open = tasks.slice();
  let done = 0;
  const worker = async () => {
    for (let task = open.shift(); task !== undefined; task = open.shift()) {
      if (!await exists(runFolder(task.folder).summary)) await runOne(task);
      log(`${++done}/${tasks.length} ${task.folder}`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
}

async function runOne({ folder, config }: Task): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const file = join(folder, "wanted.yaml");
  await Deno.writeTextFile(file, writeConfig(config));
  const train = fileURLToPath(new URL("../tasks/train.ts", import.meta.url));
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", train, file, "--out", folder, "--backend", "wasm"],
    stdout: "null",
    stderr: "piped",
  }).output();
  if (code !== 0) {
    throw new Error(`Cannot go on: ${folder}: ${new TextDecoder().decode(stderr)}`);
  }
}
