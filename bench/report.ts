/** What a benchmark found, and how it differs from what it found before. @module */
import { type Column, formatTable } from "../src/cli/format_table.ts";
import type { Terminal } from "../src/cli/terminal.ts";

/** A column of texts. */
export const left = (title: string): Column => ({ title, align: "left" });

/** A column of figures. */
export const right = (title: string): Column => ({ title, align: "right" });

/** One line of a comparison. */
export interface ReportRow {
  /** The same in every state that is compared. */
  readonly name: string;
  readonly seconds: number;
  /** How much faster than tfjs operations in the same turns; null where not measured. */
  readonly speedUp: number | null;
}

/** What a benchmark found. */
export interface Report {
  /** For people. */
  readonly text: string;
  /** Its name. */
  readonly benchmark: string;
  readonly backend: string;
  readonly adapter: string;
  readonly rows: readonly ReportRow[];
  /** Everything, for `--json`. */
  readonly json: unknown;
}

/** What is kept in a file. */
type SavedReport = Omit<Report, "text">;

/** Keeps a report. */
export async function saveReport(file: string, report: Report): Promise<void> {
  const { benchmark, backend, adapter, rows, json } = report;
  const saved: SavedReport = { benchmark, backend, adapter, rows, json };
  await Deno.writeTextFile(file, `${JSON.stringify(saved, null, 2)}\n`);
}

/**
 * Compares a report with a kept one, row by row.
 *
 * Times of two runs also differ by what else the machine did; the ratio to tfjs operations,
 * which were measured in the same turns, does not.
 *
 * @throws {RangeError} If the file is of another benchmark or device.
 */
export async function compareWithSaved(
  file: string,
  current: Report,
  terminal: Pick<Terminal, "isOutTty" | "color">,
): Promise<string> {
  const saved = JSON.parse(await Deno.readTextFile(file)) as SavedReport;
  for (const key of ["benchmark", "backend", "adapter"] as const) {
    if (saved[key] === current[key]) continue;
    throw new RangeError(
      `Cannot compare with "${file}": its ${key} is "${saved[key]}" and not "${
        current[key]
      }"`,
    );
  }
  const timesOf = (ratio: number) => `${ratio.toFixed(2)}×`;
  const rows = current.rows.map(({ name, seconds, speedUp }) => {
    const savedRow = saved.rows.find((row) => row.name === name);
    if (savedRow === undefined) return [name, "new", ""];
    const byTfjs = speedUp === null || savedRow.speedUp === null
      ? ""
      : timesOf(speedUp / savedRow.speedUp);
    return [name, timesOf(savedRow.seconds / seconds), byTfjs];
  });
  return formatTable(
    [
      left(`against ${file}`),
      right("speed-up"),
      right("speed-up relative to tfjs"),
    ],
    rows,
    terminal,
  );
}
