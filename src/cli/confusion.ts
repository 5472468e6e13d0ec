/** Confusion matrices as text: a CSV file and a table for the terminal. @module */

/** Which classes are taken for which. */
export interface Confusion {
  /** Names, in the order of ids. */
  readonly classes: readonly string[];
  /** Pixels by true class (outer) and predicted class (inner). [C][C] */
  readonly counts: readonly (readonly number[])[];
}

/** The share of each cell in its row; NaN in a row without pixels. */
export function rowShares(counts: Confusion["counts"]): number[][] {
  return counts.map((row) => {
    const pixels = row.reduce((a, b) => a + b, 0);
    return row.map((count) => count / pixels);
  });
}

/**
 * Counts as comma-separated values: names of predicted classes in the first row, of true
 * ones in the first column.
 *
 * Source: RFC 4180: lines end with CRLF; cells with commas, quotes or line breaks are
 * quoted.
 */
export function confusionCsv({ classes, counts }: Confusion): string {
  const cell = (text: string) =>
    /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const lines = [
    ["true class", ...classes],
    ...counts.map((row, id) => [classes[id] ?? `class ${id}`, ...row.map(String)]),
  ];
  return lines.map((line) => `${line.map(cell).join(",")}\r\n`).join("");
}

/**
 * Shares as a compact table: whole percent of each true class, a dot for none at all.
 *
 * @returns Lines, without a line break at the end.
 */
export function confusionTable({ classes, counts }: Confusion): string {
  const title = "% of true class as";
  const names = classes.map((name, id) => `${String(id).padStart(3)} ${name}`);
  const room = Math.max(title.length, ...names.map((name) => name.length));
  const line = (head: string, cells: readonly string[]) =>
    `${head.padEnd(room)} ${cells.map((cell) => cell.padStart(3)).join(" ")}`;
  const percent = (share: number) =>
    Number.isNaN(share) ? "–" : share === 0 ? "·" : (100 * share).toFixed(0);
  return [
    line(title, classes.map((_, id) => String(id))),
    ...rowShares(counts).map((row, id) => line(names[id] ?? "", row.map(percent))),
  ].join("\n");
}
