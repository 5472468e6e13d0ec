/** Trainings of a comparison, each in a process of its own. @module */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringifyConfig } from "../src/config/read.ts";
import type { RunConfig } from "../src/config/schema.ts";
import { runFolder } from "../src/train/run_files.ts";
import { pathExists, type RunSummary } from "../src/train/run_folder.ts";

/** One training. */
export interface TrainingRun {
  readonly folder: string;
  readonly config: RunConfig;
}

/** How trainings are run. */
export interface TrainingOptions {
  /** Processes at a time; each has one thread, since they share the cores. */
  readonly jobs: number;
  /** What computes: oneDNN by this path, or "off" for WebAssembly alone. */
  readonly native: string;
  readonly log: (line: string) => void;
}

/** Runs what is not done yet; a training that was interrupted goes on. */
export async function trainAll(
  runs: readonly TrainingRun[],
  { jobs, native, log }: TrainingOptions,
): Promise<void> {
  const pending = runs.slice();
  let done = 0;
  const worker = async () => {
    for (let run = pending.shift(); run !== undefined; run = pending.shift()) {
      if (!await pathExists(runFolder(run.folder).summary)) {
        await trainInProcess(run, native);
      }
      log(`${++done}/${runs.length} ${run.folder}`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
}

/** The summary of a finished run. */
export async function readRunSummary(folder: string): Promise<RunSummary> {
  return JSON.parse(await Deno.readTextFile(runFolder(folder).summary)) as RunSummary;
}

async function trainInProcess(
  { folder, config }: TrainingRun,
  native: string,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const file = join(folder, "requested.yaml");
  await Deno.writeTextFile(file, stringifyConfig(config));
  const train = fileURLToPath(new URL("../tasks/train.ts", import.meta.url));
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", train, file, "--out", folder, "--backend", "wasm"],
      ...["--native", native, "--threads", "1"],
    ],
    stdout: "null",
    stderr: "piped",
  }).output();
  if (code !== 0) {
    throw new Error(`Cannot train ${folder}: ${new TextDecoder().decode(stderr)}`);
  }
}
