/** `bench io --large` as a table. @module */
import { byteText } from "../../src/cli/byte_text.ts";
import { formatTable } from "../../src/cli/table.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import type { Report } from "../report.ts";
import { benchLarge } from "./large.ts";

/** Measures what comes before the first step of a run on `count` tiny pictures. */
export async function largeReport(
  count: number,
  out: string | null,
  terminal: Terminal,
  log: (line: string) => void,
): Promise<Report> {
  const times = await benchLarge(count, out, log);
  const { pictures, workers, before, stages } = times;
  const table = formatTable(
    [
      { title: "stage", align: "left" },
      { title: "s", align: "right" },
      { title: "µs/picture", align: "right" },
      { title: "resident after", align: "right" },
      { title: "grew by", align: "right" },
      { title: "peak so far", align: "right" },
      { title: "kept", align: "right" },
    ],
    stages.map(({ name, seconds, resident, growth, peak, kept }) => [
      name,
      seconds.toFixed(2),
      (1e6 * seconds / pictures).toFixed(1),
      byteText(resident),
      byteText(growth),
      byteText(peak),
      byteText(Math.max(0, kept)),
    ]),
    terminal,
  );
  const text = `${table}\n${pictures} pairs of 16×16 pixels, ${workers} threads; ` +
    `${byteText(before)} resident before; kept: by the main thread, after a collection`;
  return {
    text,
    bench: "io",
    backend: "none",
    adapter: "none",
    rows: stages.map(({ name, seconds }) => ({ name, seconds, speedUp: null })),
    json: times,
  };
}
