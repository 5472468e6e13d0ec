/** Errors and their tolerances as a table. @module */
import { createColors } from "../core/colors.ts";
import { formatTable } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** Something that was compared. */
export interface CheckLine {
  /** What it is. */
  readonly name: string;
  /** How far off. */
  readonly error: number;
  /** How far off it may be. */
  readonly tolerance: number;
  readonly passed: boolean;
  /** Said of a failure or an oddity. */
  readonly note?: string;
}

const figure = (value: number) => value === 0 ? "0" : value.toExponential(1);

/** Lays out a line per check. @returns Lines, without a line break at the end. */
export function checkTable(
  checks: readonly CheckLine[],
  terminal: Pick<Terminal, "outIsTerminal" | "color">,
): string {
  const { green, red } = createColors(terminal.outIsTerminal && terminal.color);
  return formatTable(
    [
      { title: "tensor", align: "left" },
      { title: "error", align: "right" },
      { title: "tolerance", align: "right" },
      { title: "result", align: "left" },
    ],
    checks.map(({ name, error, tolerance, passed, note }) => [
      name,
      figure(error),
      figure(tolerance),
      (passed ? green("ok") : red("FAILED")) + (note === undefined ? "" : ` (${note})`),
    ]),
    terminal,
  );
}

/** How many checks passed, in a few words. */
export function checkSummary(checks: readonly CheckLine[]): string {
  const failed = checks.filter(({ passed }) => !passed).length;
  return failed === 0
    ? `${checks.length} passed`
    : `${checks.length - failed} passed, ${failed} FAILED`;
}
