/** What a benchmark found, and how it differs from what it found before. @module */
import { formatTable } from "../src/cli/table.ts";
import type { Terminal } from "../src/cli/terminal.ts";

/** One line of a comparison. */
export interface ReportRow {
  /** The same in every state that is compared. */
  readonly name: string;
  readonly seconds: number;
  /** How much faster than stock operations in the same turns; null where not measured. */
  readonly speedUp: number | null;
}

/** What a benchmark found. */
export interface Report {
  /** For people. */
  readonly text: string;
  /** Its name. */
  readonly bench: string;
  readonly backend: string;
  readonly adapter: string;
  readonly rows: readonly ReportRow[];
  /** Everything, for `--json`. */
  readonly json: unknown;
}

/** What is kept in a file. */
type Saved = Omit<Report, "text">;

/** Keeps a report. */
export async function saveReport(file: string, report: Report): Promise<void> {
  const { bench, backend, adapter, rows, json } = report;
  const saved: Saved = { bench, backend, adapter, rows, json };
  await Deno.writeTextFile(file, `${JSON.stringify(saved, null, 2)}\n`);
}

/**
 * Compares a report with a kept one, row by row.
 *
 * Times of two runs also differ by what else the machine did; the ratio to stock operations,
 * which were measured in the same turns, does not.
 *
 * @throws {RangeError} If the file is of another benchmark or device.
 */
export async function against(
  file: string,
  now: Report,
  terminal: Pick<Terminal, "outIsTerminal" | "color">,
): Promise<string> {
  const then = JSON.parse(await Deno.readTextFile(file)) as Saved;
  for (const part of ["bench", "backend", "adapter"] as const) {
    if (then[part] === now[part]) continue;
    throw new RangeError(
      `Cannot compare with "${file}": its ${part} is "${then[part]}" and not "${
        now[part]
      }"`,
    );
  }
  const right = (title: string) => ({ title, align: "right" as const });
  const timesOf = (ratio: number) => `${ratio.toFixed(2)}×`;
  const rows = now.rows.map(({ name, seconds, speedUp }) => {
    const before = then.rows.find((row) => row.name === name);
    if (before === undefined) return [name, "new", ""];
    const byStock = speedUp === null || before.speedUp === null
      ? ""
      : timesOf(speedUp / before.speedUp);
    return [name, timesOf(before.seconds / seconds), byStock];
  });
  return formatTable(
    [
      { title: `against ${file}`, align: "left" },
      right("as fast"),
      right("as fast, measured by stock"),
    ],
    rows,
    terminal,
  );
}
