/** Confusion matrices as text: a CSV file and a table for the terminal. @module */
import { assertWritableFile, writeOutputFile } from "../io/output_file.ts";
import {
  type Color,
  createCanvas,
  drawText,
  encodeCanvas,
  fillRectangle,
  GLYPH_ADVANCE,
  GLYPH_HEIGHT,
  INK,
} from "./canvas.ts";
import { extname } from "node:path";

/** Which classes are taken for which. */
export interface ConfusionMatrix {
  /** Names, in the order of ids. */
  readonly classes: readonly string[];
  /** Pixels by true class (outer) and predicted class (inner). [C][C] */
  readonly counts: readonly (readonly number[])[];
}

/** The share of each cell in its row; NaN in a row without pixels. */
function normalizeRows(counts: ConfusionMatrix["counts"]): number[][] {
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
export function confusionCsv({ classes, counts }: ConfusionMatrix): string {
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
export function confusionTable({ classes, counts }: ConfusionMatrix): string {
  const title = "% of true class predicted as";
  const names = classes.map((name, id) => `${String(id).padStart(3)} ${name}`);
  const nameWidth = Math.max(title.length, ...names.map((name) => name.length));
  const line = (head: string, cells: readonly string[]) =>
    `${head.padEnd(nameWidth)} ${cells.map((cell) => cell.padStart(3)).join(" ")}`;
  const percent = (share: number) =>
    Number.isNaN(share) ? "–" : share === 0 ? "·" : (100 * share).toFixed(0);
  return [
    line(title, classes.map((_, id) => String(id))),
    ...normalizeRows(counts).map((row, id) => line(names[id] ?? "", row.map(percent))),
  ].join("\n");
}

const ENCODERS: Readonly<Record<string, (matrix: ConfusionMatrix) => Uint8Array>> = {
  ".csv": (matrix) => new TextEncoder().encode(confusionCsv(matrix)),
  ".png": drawConfusionMatrix,
};

/**
 * Prepares files for a confusion matrix, before the work whose result it is.
 *
 * @param paths Names that end with ".csv" (counts) or ".png" (a heat map).
 * @returns Writes all of them, and the folders above them.
 * @throws {RangeError} If a name ends otherwise.
 * @throws {Error} If one of them cannot be written.
 */
export async function prepareConfusionFiles(
  paths: readonly string[],
): Promise<(matrix: ConfusionMatrix) => Promise<void>> {
  const files = paths.map((path) => {
    const format = ENCODERS[extname(path).toLowerCase()];
    if (format !== undefined) return { path, format };
    throw new RangeError(
      `Cannot write a confusion matrix to "${path}": the name must end with ` +
        ".csv (counts) or .png (a heat map)",
    );
  });
  for (const { path } of files) await assertWritableFile(path);
  return async (matrix) => {
    for (const { path, format } of files) await writeOutputFile(path, format(matrix));
  };
}

/** Pixels around the picture and between its parts. */
const MARGIN = 16;

/** Pixels of a dot of a letter. */
const DOT_PIXELS = 2;

/** Pixels of a cell: room for three digits and what makes them legible. */
const CELL_PIXELS = 3 * GLYPH_ADVANCE * DOT_PIXELS + 8;

/** Beyond so many classes, cells hold no figures and names are as narrow as can be. */
const MAX_LABELED_CLASSES = 40;

const WHITE: Color = [255, 255, 255];
const GRID: Color = [225, 225, 225];

/** Rows of classes without pixels. */
const EMPTY: Color = [240, 240, 240];

/** Darkest of the scale, for a share of 1. */
const DARKEST: Color = [8, 48, 107];

// Shares differ most near 0, where mistakes are: the root spreads them.
function shareColor(share: number): Color {
  if (Number.isNaN(share)) return EMPTY;
  const strength = Math.sqrt(share);
  const mix = (channel: 0 | 1 | 2) =>
    Math.round(WHITE[channel] + strength * (DARKEST[channel] - WHITE[channel]));
  return [mix(0), mix(1), mix(2)];
}

/**
 * Draws the shares of every row: darker is more; white is none; rows of classes without
 * pixels are gray. The figures are percent.
 *
 * @returns A PNG file.
 */
export function drawConfusionMatrix({ classes, counts }: ConfusionMatrix): Uint8Array {
  const showsPercent = classes.length <= MAX_LABELED_CLASSES;
  const dot = showsPercent ? DOT_PIXELS : 1;
  const cell = showsPercent ? CELL_PIXELS : GLYPH_HEIGHT + 3;
  const letters = Math.max(...classes.map((name) => [...name].length));
  const names = letters * GLYPH_ADVANCE * dot + MARGIN / 2;
  const title = "true class (rows) predicted as (columns), % of row";
  const heading = GLYPH_HEIGHT * DOT_PIXELS + MARGIN;
  const side = classes.length * cell;
  const [left, top] = [MARGIN + names, MARGIN + heading + names];
  const width =
    Math.max(left + side, MARGIN + [...title].length * GLYPH_ADVANCE * DOT_PIXELS) +
    MARGIN;
  const height = top + side + MARGIN;
  const canvas = createCanvas(width, height);

  drawText(canvas, title, [MARGIN, MARGIN], { dot: DOT_PIXELS });
  const center = Math.floor((cell - GLYPH_HEIGHT * dot) / 2);
  classes.forEach((name, id) => {
    const length = [...name].length * GLYPH_ADVANCE * dot;
    const row = top + id * cell + center;
    drawText(canvas, name, [left - MARGIN / 2 - length, row], { dot });
    const column = left + id * cell + center;
    drawText(canvas, name, [column, top - MARGIN / 2], { dot, isUpright: true });
  });
  fillRectangle(canvas, [left, top, side, side], GRID);
  normalizeRows(counts).forEach((row, id) =>
    row.forEach((share, predicted) => {
      const [x, y] = [left + predicted * cell, top + id * cell];
      fillRectangle(canvas, [x, y, cell - 1, cell - 1], shareColor(share));
      const percentText = (100 * share).toFixed(0);
      if (!showsPercent || !(share > 0)) return;
      const room = percentText.length * GLYPH_ADVANCE * dot - dot;
      const color = share > 0.25 ? WHITE : INK;
      drawText(canvas, percentText, [x + Math.floor((cell - room) / 2), y + center], {
        color,
        dot: DOT_PIXELS,
      });
    })
  );
  return encodeCanvas(canvas);
}
