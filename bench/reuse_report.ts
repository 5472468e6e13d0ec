/** `bench reuse` as a table. @module */
import { formatTable } from "../src/cli/format_table.ts";
import type { Terminal } from "../src/cli/terminal.ts";
import type { BackendChoice, CpuOptions } from "../src/core/backend.ts";
import { benchReuse } from "./reuse.ts";
import { left, right } from "./report.ts";

const ROUNDS = 5;
const SIDE = 128;

/** Times the ways of an FST-D iteration and reports seconds and ratios. */
export async function reuseReport(
  { backend, cpu, rounds = ROUNDS, side = SIDE, only }: {
    backend: BackendChoice;
    cpu: CpuOptions;
    rounds: number | undefined;
    side: number | undefined;
    only: readonly string[];
  },
  terminal: Terminal,
): Promise<{ text: string; json: unknown }> {
  const names = only.length > 0 ? only : undefined;
  const result = await benchReuse({ backend, cpu }, rounds, side, names);
  const { backend: { name, adapter }, times } = result;
  const table = formatTable(
    [
      left("network"),
      left("FST-D K=3"),
      right("s/iteration"),
      right("of two backward"),
      right("of no reuse"),
    ],
    times.map(({ network, variant, seconds, ratios: [separateBackward, noReuse] }) => [
      network,
      variant,
      seconds.toFixed(3),
      separateBackward.toFixed(3),
      noReuse.toFixed(3),
    ]),
    terminal,
  );
  const clock = name === "wasm" ? "processor time" : "time";
  const text = `${table}\n${side}×${side} crops, batch 2, feature distance, on ${name} ` +
    `(${adapter}), medians of ${rounds} rounds of ${clock}`;
  return { text, json: { side, backend: name, adapter, rounds, times } };
}
