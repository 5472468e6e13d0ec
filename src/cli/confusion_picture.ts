/** Confusion matrices as heat maps. @module */

import { encodePng } from "../core/png.ts";
import { type Confusion, rowShares } from "./confusion.ts";
import { ADVANCE, LETTER_HEIGHT, textDots } from "./dot_font.ts";

type Color = readonly [number, number, number];

/** Pixels around the picture and between its parts. */
const MARGIN = 16;

/** Pixels of a dot of a letter. */
const DOT = 2;

/** Pixels of a cell: room for three digits and what makes them legible. */
const CELL = 3 * ADVANCE * DOT + 8;

/** Beyond so many classes, cells hold no figures and names are as narrow as can be. */
const MOST_FIGURES = 40;

const INK: Color = [40, 40, 40];
const WHITE: Color = [255, 255, 255];
const GRID: Color = [225, 225, 225];

/** Rows of classes without pixels. */
const EMPTY: Color = [240, 240, 240];

/** Darkest of the scale, for a share of 1. */
const FULL: Color = [8, 48, 107];

interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

function fill(
  { width, data }: Canvas,
  [left, top, columns, rows]: readonly [number, number, number, number],
  color: Color,
) {
  for (let y = top; y < top + rows; y++) {
    for (let x = left; x < left + columns; x++) data.set(color, 3 * (y * width + x));
  }
}

/** Writes to the right, or upwards from the bottom left. */
function write(
  canvas: Canvas,
  text: string,
  [left, top]: readonly [number, number],
  { color = INK, isUpright = false, dot = DOT } = {},
) {
  for (const [x, y] of textDots(text)) {
    const [right, down] = isUpright ? [y, -x - 1] : [x, y];
    fill(canvas, [left + right * dot, top + down * dot, dot, dot], color);
  }
}

// Shares differ most near 0, where mistakes are: the root spreads them.
function shade(share: number): Color {
  if (Number.isNaN(share)) return EMPTY;
  const strength = Math.sqrt(share);
  const mix = (channel: 0 | 1 | 2) =>
    Math.round(WHITE[channel] + strength * (FULL[channel] - WHITE[channel]));
  return [mix(0), mix(1), mix(2)];
}

/**
 * Draws the shares of every row: darker is more; white is none; rows of classes without
 * pixels are grey. The figures are percent.
 *
 * @returns A PNG file.
 */
export function confusionPicture({ classes, counts }: Confusion): Uint8Array {
  const hasFigures = classes.length <= MOST_FIGURES;
  const dot = hasFigures ? DOT : 1;
  const cell = hasFigures ? CELL : LETTER_HEIGHT + 3;
  const letters = Math.max(...classes.map((name) => [...name].length));
  const names = letters * ADVANCE * dot + MARGIN / 2;
  const title = "true class (rows) taken for (columns), % of row";
  const heading = LETTER_HEIGHT * DOT + MARGIN;
  const side = classes.length * cell;
  const [left, top] = [MARGIN + names, MARGIN + heading + names];
  const width = Math.max(left + side, MARGIN + [...title].length * ADVANCE * DOT) +
    MARGIN;
  const height = top + side + MARGIN;
  const data = new Uint8Array(3 * width * height).fill(255);
  const canvas: Canvas = { width, height, data };

  write(canvas, title, [MARGIN, MARGIN]);
  const centre = Math.floor((cell - LETTER_HEIGHT * dot) / 2);
  classes.forEach((name, id) => {
    const length = [...name].length * ADVANCE * dot;
    const row = top + id * cell + centre;
    write(canvas, name, [left - MARGIN / 2 - length, row], { dot });
    const column = left + id * cell + centre;
    write(canvas, name, [column, top - MARGIN / 2], { dot, isUpright: true });
  });
  fill(canvas, [left, top, side, side], GRID);
  rowShares(counts).forEach((row, id) =>
    row.forEach((share, guess) => {
      const [x, y] = [left + guess * cell, top + id * cell];
      fill(canvas, [x, y, cell - 1, cell - 1], shade(share));
      const figure = (100 * share).toFixed(0);
      if (!hasFigures || !(share > 0)) return;
      const room = figure.length * ADVANCE * dot - dot;
      const color = share > 0.25 ? WHITE : INK;
      write(canvas, figure, [x + Math.floor((cell - room) / 2), y + centre], { color });
    })
  );
  return encodePng({ ...canvas, channels: 3 });
}
