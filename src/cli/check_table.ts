/** Errors and their tolerances as a table. @module */
import { createColors, formatTable } from "./format_table.ts";
import type { CheckResult } from "../../mod.ts";
import type { Terminal } from "./terminal.ts";

const formatError = (value: number) => value === 0 ? "0" : value.toExponential(1);

/** Lays out a line per check. @returns Lines, without a line break at the end. */
export function checkTable(
  checks: readonly CheckResult[],
  terminal: Pick<Terminal, "isOutTty" | "color">,
): string {
  const { green, red } = createColors(terminal.isOutTty && terminal.color);
  return formatTable(
    [
      { title: "tensor", align: "left" },
      { title: "error", align: "right" },
      { title: "tolerance", align: "right" },
      { title: "result", align: "left" },
    ],
    checks.map(({ name, error, tolerance, passed, note }) => [
      name,
      formatError(error),
      formatError(tolerance),
      (passed ? green("ok") : red("FAILED")) + (note === undefined ? "" : ` (${note})`),
    ]),
    terminal,
  );
}

/** How many checks passed, in a few words. */
export function formatCheckSummary(checks: readonly CheckResult[]): string {
  const failed = checks.filter(({ passed }) => !passed).length;
  return failed === 0
    ? `${checks.length} passed`
    : `${checks.length - failed} passed, ${failed} FAILED`;
}
