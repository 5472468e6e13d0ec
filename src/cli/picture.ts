/** Sheets of labelled pictures, as PNG files. @module */

import { encodePng } from "../core/png.ts";
import { ADVANCE, LETTER_HEIGHT, textDots } from "./dot_font.ts";

/** One picture of a sheet. */
export interface Cell {
  /** Printed above it, cut to its width. */
  readonly title: string;
  readonly width: number;
  readonly height: number;
  /** [H, W, 3] */
  readonly rgb: Uint8Array;
}

/** Pixels between cells, and around them. */
const MARGIN = 8;

/** Pixels from a title's bottom to its picture. */
const GAP = 3;

/** A title: dark grey on white. */
const INK = 60;

/** Below this width, a picture is shown larger, pixel by pixel. */
const LEGIBLE = 160;

interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** Where columns or rows of the given sizes start. */
function starts(sizes: readonly number[], between: number, first: number): number[] {
  return sizes.map((_, i) => first + sum(sizes.slice(0, i)) + between * i);
}

function drawText(canvas: Canvas, text: string, left: number, top: number, room: number) {
  const letters = Math.floor((room + 1) / ADVANCE);
  for (const [x, y] of textDots(text.slice(0, letters))) {
    const at = 3 * ((top + y) * canvas.width + left + x);
    canvas.data.fill(INK, at, at + 3);
  }
}

function drawImage(canvas: Canvas, cell: Cell, left: number, top: number, scale: number) {
  const { width, height, rgb } = cell;
  for (let y = 0; y < height * scale; y++) {
    const row = Math.floor(y / scale) * width;
    for (let x = 0; x < width * scale; x++) {
      const from = 3 * (row + Math.floor(x / scale));
      const to = 3 * ((top + y) * canvas.width + left + x);
      canvas.data.set(rgb.subarray(from, from + 3), to);
    }
  }
}

/**
 * Draws pictures in rows, each under its title, on white.
 *
 * Small pictures are all enlarged by one whole factor, so that titles have room.
 *
 * @param rows May have different lengths; cells may have different sizes.
 * @returns A PNG file.
 * @throws {RangeError} If there is no cell, or a cell's pixels do not fill its size.
 */
export function drawSheet(rows: readonly (readonly Cell[])[]): Uint8Array {
  const cells = rows.flat();
  if (cells.length === 0) {
    throw new RangeError("Cannot draw a sheet: there is no picture");
  }
  for (const { title, width, height, rgb } of cells) {
    if (rgb.length === 3 * width * height) continue;
    throw new RangeError(
      `Cannot draw "${title}": ${rgb.length} bytes are not ${width}×${height} RGB pixels`,
    );
  }
  const widest = Math.max(...cells.map(({ width }) => width));
  const scale = Math.max(1, Math.ceil(LEGIBLE / widest));
  const heading = LETTER_HEIGHT + GAP;

  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from(
    { length: columns },
    (_, i) => scale * Math.max(...rows.map((row) => row[i]?.width ?? 0)),
  );
  const heights = rows.map((row) =>
    scale * Math.max(0, ...row.map(({ height }) => height))
  );
  const lefts = starts(widths, MARGIN, MARGIN);
  const tops = starts(heights, MARGIN + heading, MARGIN + heading);
  const width = sum(widths) + MARGIN * (columns + 1);
  const height = sum(heights) + (MARGIN + heading) * rows.length + MARGIN;
  const data = new Uint8Array(3 * width * height).fill(255);
  const canvas: Canvas = { width, height, data };
  rows.forEach((row, r) =>
    row.forEach((cell, c) => {
      const left = lefts[c] ?? 0;
      const top = tops[r] ?? 0;
      drawText(canvas, cell.title, left, top - heading, scale * cell.width);
      drawImage(canvas, cell, left, top, scale);
    })
  );
  return encodePng({ ...canvas, channels: 3 });
}
