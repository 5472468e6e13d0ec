/** `bench step` as a table. @module */
import { formatTable } from "../src/cli/table.ts";
import type { Terminal } from "../src/cli/terminal.ts";
import { loadConfig } from "../src/config/read.ts";
import type { BackendChoice } from "../src/core/backend.ts";
import { benchStep } from "./step.ts";

const ROUNDS = 10;

/** Times iterations and reports seconds and ratios. */
export async function stepReport(
  { config, backend, rounds = ROUNDS, only }: {
    config: string;
    backend: BackendChoice;
    rounds: number | undefined;
    only: readonly string[];
  },
  terminal: Terminal,
): Promise<{ text: string; json: unknown }> {
  const names = only.length > 0 ? only : undefined;
  const result = await benchStep(await loadConfig(config), backend, rounds, names);
  const { backend: { name, adapter }, times } = result;
  const table = formatTable(
    [
      { title: "method", align: "left" },
      { title: "s/iteration", align: "right" },
      { title: "of self-training", align: "right" },
    ],
    times.map(({ method, seconds, ratio }) => [
      method,
      seconds.toFixed(3),
      Number.isNaN(ratio) ? "" : `${ratio.toFixed(2)}×`,
    ]),
    terminal,
  );
  const text = `${table}\n${config} on ${name} (${adapter}), medians of ${rounds} rounds`;
  return { text, json: { config, backend: name, adapter, rounds, times } };
}
