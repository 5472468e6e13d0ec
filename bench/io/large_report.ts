/** `bench io --large` as a table. @module */
import { formatBytes } from "../../src/cli/format_bytes.ts";
import { formatTable } from "../../src/cli/format_table.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { left, type Report, right } from "../report.ts";
import { benchLargeDataSet } from "./large_data_set.ts";

/** Measures what comes before the first step of a run on `count` tiny pictures. */
export async function largeDataSetReport(
  count: number,
  out: string | null,
  terminal: Terminal,
  log: (line: string) => void,
): Promise<Report> {
  const times = await benchLargeDataSet(count, out, log);
  const { pictures, workers, residentBefore, stages } = times;
  const table = formatTable(
    [
      left("stage"),
      right("s"),
      right("µs/picture"),
      right("resident after"),
      right("grew by"),
      right("peak so far"),
      right("kept"),
    ],
    stages.map(({ name, seconds, resident, growth, peak, heapGrowth }) => [
      name,
      seconds.toFixed(2),
      (1e6 * seconds / pictures).toFixed(1),
      formatBytes(resident),
      formatBytes(growth),
      formatBytes(peak),
      formatBytes(Math.max(0, heapGrowth)),
    ]),
    terminal,
  );
  const text = `${table}\n${pictures} pairs of 16×16 pixels, ${workers} threads; ` +
    `${
      formatBytes(residentBefore)
    } resident before; kept: by the main thread, after a collection`;
  return {
    text,
    benchmark: "io",
    backend: "none",
    adapter: "none",
    rows: stages.map(({ name, seconds }) => ({ name, seconds, speedUp: null })),
    json: times,
  };
}
