/** Tables: ruled and bold where a person watches, plain columns elsewhere. @module */

import CliTable from "npm:cli-table3@0.6.5";
import picocolors from "npm:picocolors@1.1.1";
import type { Terminal } from "./terminal.ts";

/** Functions that color text, or return it unchanged if colors are not enabled. */
export const { createColors } = picocolors;

/** A column of a table. */
export interface Column {
  readonly title: string;
  /** Texts stand left, figures right. */
  readonly align: "left" | "right";
}

/** No lines and no padding: what cli-table3 calls a border, emptied. */
const NO_BORDERS = Object.fromEntries(
  [
    "top",
    "top-mid",
    "top-left",
    "top-right",
    "bottom",
    "bottom-mid",
    "bottom-left",
    "bottom-right",
    "left",
    "left-mid",
    "mid",
    "mid-mid",
    "right",
    "right-mid",
  ].map((part) => [part, ""]),
);

/**
 * Lays out a table.
 *
 * @param rows Cells of each row, as many as there are columns.
 * @param terminal Decides about rules and colors, by its standard output.
 * @param totalRows How many of the last rows are totals, set apart from the others.
 * @returns Lines, without a line break at the end.
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  terminal: Pick<Terminal, "isOutTty" | "color">,
  totalRows = 0,
): string {
  const { isOutTty, color } = terminal;
  const { bold } = createColors(isOutTty && color);
  const table = new CliTable({
    head: columns.map(({ title }) => bold(title)),
    colAligns: columns.map(({ align }) => align),
    style: { head: [], border: [], compact: true, ...(isOutTty ? {} : NO_PADDING) },
    ...(isOutTty ? {} : { chars: { ...NO_BORDERS, middle: "  " } }),
  });
  rows.forEach((row, i) => {
    const isTotal = i >= rows.length - totalRows;
    table.push(row.map((cell) => isTotal ? bold(cell) : cell));
  });
  return table.toString().split("\n").map((line) => line.trimEnd()).join("\n");
}

const NO_PADDING = { "padding-left": 0, "padding-right": 0 };
