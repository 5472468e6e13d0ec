/** Tables: ruled and bold where a person watches, plain columns elsewhere. @module */

import { createColors } from "../core/colors.ts";
import { CliTable } from "../core/table.ts";
import type { Terminal } from "./terminal.ts";

/** A column of a table. */
export interface Column {
  readonly title: string;
  /** Texts stand left, figures right. */
  readonly align: "left" | "right";
}

/** No lines and no padding: what cli-table3 calls a border, emptied. */
const NO_RULES = Object.fromEntries(
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
 * @param terminal Decides about rules and colours, by its standard output.
 * @param footer How many of the last rows are totals, set apart from the others.
 * @returns Lines, without a line break at the end.
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  terminal: Pick<Terminal, "outIsTerminal" | "color">,
  footer = 0,
): string {
  const { outIsTerminal, color } = terminal;
  const { bold } = createColors(outIsTerminal && color);
  const table = new CliTable({
    head: columns.map(({ title }) => bold(title)),
    colAligns: columns.map(({ align }) => align),
    style: { head: [], border: [], compact: true, ...(outIsTerminal ? {} : PLAIN) },
    ...(outIsTerminal ? {} : { chars: { ...NO_RULES, middle: "  " } }),
  });
  rows.forEach((row, i) => {
    const isTotal = i >= rows.length - footer;
    table.push(row.map((cell) => isTotal ? bold(cell) : cell));
  });
  return table.toString().split("\n").map((line) => line.trimEnd()).join("\n");
}

const PLAIN = { "padding-left": 0, "padding-right": 0 };
