/** `bench step` as a table. @module */
import { formatTable } from "../../src/cli/table.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { loadConfig } from "../../src/config/read.ts";
import type { BackendChoice } from "../../src/core/backend.ts";
import type { Report } from "../report.ts";
import { benchStep } from "./step.ts";
import { variantsOf } from "./variants.ts";

const METHODS = ["self-training", "FST-D K=1", "FST-D K=3", "FST-W N=3"];

/** Times iterations and reports seconds, ratios and what the device had to do. */
export async function stepReport(
  { config, set, backend, rounds, only, variant }: {
    config: string;
    set: readonly string[];
    backend: BackendChoice;
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
    rounds,
    methods: only.length > 0 ? only : METHODS,
    variants: variantsOf(variant),
  });
  const { backend: { name, adapter, software }, times } = result;
  const right = (title: string) => ({ title, align: "right" as const });
  const left = (title: string) => ({ title, align: "left" as const });
  const timesOf = (ratio: number) => Number.isNaN(ratio) ? "" : `${ratio.toFixed(2)}×`;
  const table = formatTable(
    [
      left("method"),
      left("computed by"),
      ...["s/iteration", "of self-training", "as fast as stock"].map(right),
      ...["CPU s", "by CPU s"].map(right),
      ...["dispatches", "JS ms", "device MB"].map(right),
    ],
    times.map(({ method, variant, seconds, ratio, speedUp, ...cost }) => [
      method,
      variant,
      seconds.toFixed(3),
      timesOf(ratio),
      timesOf(speedUp),
      cost.processor.toFixed(3),
      timesOf(cost.processorSpeedUp),
      cost.dispatches === null ? "-" : String(cost.dispatches),
      cost.script === null ? "-" : (1000 * cost.script).toFixed(0),
      (cost.deviceBytes / 1e6).toFixed(0),
    ]),
    terminal,
  );
  const text = `${table}\n${config} on ${name} (${adapter}), medians of ` +
    `${result.rounds} rounds`;
  return {
    text,
    bench: "step",
    backend: name,
    adapter,
    rows: times.map(({ method, variant, seconds, processorSpeedUp, speedUp }) => {
      // Where the processor computes, its time is what another program does not change.
      const byStock = software ? processorSpeedUp : speedUp;
      return {
        name: `${method}, ${variant}`,
        seconds,
        speedUp: Number.isNaN(byStock) ? null : byStock,
      };
    }),
    json: { config, set, backend: name, adapter, rounds: result.rounds, times },
  };
}
