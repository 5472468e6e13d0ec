/** `bench step` as a table. @module */
import { formatTable } from "../../src/cli/format_table.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { loadConfig } from "../../src/config/read.ts";
import type { BackendChoice, CpuOptions } from "../../src/core/backend.ts";
import { left, type Report, right } from "../report.ts";
import { benchStep } from "./step.ts";
import { parseVariants } from "./variants.ts";

const METHODS = ["self-training", "FST-D K=1", "FST-D K=3", "FST-W N=3"];

/** Times iterations and reports seconds, ratios and what the device had to do. */
export async function stepReport(
  { config, set, backend, cpu, rounds, only, variant }: {
    config: string;
    set: readonly string[];
    backend: BackendChoice;
    cpu: CpuOptions;
    rounds: number | undefined;
    /** Methods; none: those of the paper. */
    only: readonly string[];
    /** None: all. */
    variant: readonly string[];
  },
  terminal: Terminal,
): Promise<Report> {
  const result = await benchStep(await loadConfig(config, set), {
    backend,
    cpu,
    rounds,
    methods: only.length > 0 ? only : METHODS,
    variants: parseVariants(variant),
  });
  const { backend: { name, adapter, software }, times } = result;
  const timesOf = (ratio: number) => Number.isNaN(ratio) ? "" : `${ratio.toFixed(2)}×`;
  const table = formatTable(
    [
      left("method"),
      left("variant"),
      ...["s/iteration", "of self-training", "speed-up over tfjs"].map(right),
      ...["CPU s", "of self-training", "CPU speed-up"].map(right),
      ...["dispatches", "JS ms", "device MB"].map(right),
    ],
    times.map(({ method, variant, seconds, ratio, speedUp, ...cost }) => [
      method,
      variant,
      seconds.toFixed(3),
      timesOf(ratio),
      timesOf(speedUp),
      cost.cpuSeconds.toFixed(3),
      timesOf(cost.cpuRatio),
      timesOf(cost.cpuSpeedUp),
      cost.dispatches === null ? "-" : String(cost.dispatches),
      cost.javascriptSeconds === null ? "-" : (1000 * cost.javascriptSeconds).toFixed(0),
      (cost.deviceBytes / 1e6).toFixed(0),
    ]),
    terminal,
  );
  const text = `${table}\n${config} on ${name} (${adapter}), medians of ` +
    `${result.rounds} rounds`;
  return {
    text,
    benchmark: "step",
    backend: name,
    adapter,
    rows: times.map(({ method, variant, seconds, cpuSpeedUp, speedUp }) => {
      // Where the processor computes, its time is what another program does not change.
      const byTfjs = software ? cpuSpeedUp : speedUp;
      return {
        name: `${method}, ${variant}`,
        seconds,
        speedUp: Number.isNaN(byTfjs) ? null : byTfjs,
      };
    }),
    json: { config, set, backend: name, adapter, rounds: result.rounds, times },
  };
}
