/** Sheets of labeled pictures, as PNG files. @module */
import type { SplitPictures } from "../../mod.ts";
import {
  type Canvas,
  createCanvas,
  drawText,
  encodeCanvas,
  GLYPH_ADVANCE,
  GLYPH_HEIGHT,
} from "./canvas.ts";
import { colorize, overlay } from "./colorize.ts";

/** One picture of a sheet. */
export interface ImageCell {
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
const TITLE_GAP = 3;

/** Below this width, a picture is shown larger, pixel by pixel. */
const MIN_CELL_WIDTH = 160;

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** Where columns or rows of the given sizes start. */
function cellOffsets(sizes: readonly number[], between: number, first: number): number[] {
  return sizes.map((_, i) => first + sum(sizes.slice(0, i)) + between * i);
}

function drawImage(
  canvas: Canvas,
  cell: ImageCell,
  left: number,
  top: number,
  scale: number,
) {
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
export function drawImageGrid(rows: readonly (readonly ImageCell[])[]): Uint8Array {
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
  const scale = Math.max(1, Math.ceil(MIN_CELL_WIDTH / widest));
  const heading = GLYPH_HEIGHT + TITLE_GAP;

  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from(
    { length: columns },
    (_, i) => scale * Math.max(...rows.map((row) => row[i]?.width ?? 0)),
  );
  const heights = rows.map((row) =>
    scale * Math.max(0, ...row.map(({ height }) => height))
  );
  const lefts = cellOffsets(widths, MARGIN, MARGIN);
  const tops = cellOffsets(heights, MARGIN + heading, MARGIN + heading);
  const width = sum(widths) + MARGIN * (columns + 1);
  const height = sum(heights) + (MARGIN + heading) * rows.length + MARGIN;
  const canvas = createCanvas(width, height);
  rows.forEach((row, r) =>
    row.forEach((cell, c) => {
      const left = lefts[c] ?? 0;
      const top = tops[r] ?? 0;
      const letters = Math.floor((scale * cell.width + 1) / GLYPH_ADVANCE);
      drawText(canvas, cell.title.slice(0, letters), [left, top - heading]);
      drawImage(canvas, cell, left, top, scale);
    })
  );
  return encodeCanvas(canvas);
}

/** Samples in a row of the sheet. */
const SAMPLES_PER_ROW = 4;

/** How much of a label's color is laid over its picture. */
const LABEL_OPACITY = 0.7;

/** Of a class in the legend, in pixels. */
const SWATCH = { width: 64, height: 14 };

/**
 * Draws each sample beside itself under the colors of its label; pixels without a class
 * stay as they are. Below, every class that occurs in them with its color.
 *
 * @returns A PNG file.
 * @throws {RangeError} If there is no sample.
 */
export function drawContactSheet(splits: readonly SplitPictures[]): Uint8Array {
  const pairs = splits.flatMap(({ split, classes, thumbnails }) =>
    thumbnails.map((one): ImageCell[] => {
      const { width, height, rgb, labels } = one;
      const overlaid = overlay(rgb, labels, classes, LABEL_OPACITY);
      return [
        { title: one.name, width, height, rgb },
        { title: split, width, height, rgb: overlaid },
      ];
    })
  );
  if (pairs.length === 0) {
    throw new RangeError(
      "Cannot draw a sheet: no image with a label can be read; the problems are listed above",
    );
  }
  return drawImageGrid([
    ...chunkRows(pairs, SAMPLES_PER_ROW).map((row) => row.flat()),
    ...legendRows(splits),
  ]);
}

function legendRows(splits: readonly SplitPictures[]): ImageCell[][] {
  const cells = new Map<string, ImageCell>();
  for (const { classes, thumbnails } of splits) {
    const present = new Set(thumbnails.flatMap(({ labels }) => [...new Set(labels)]));
    for (const [id, { name }] of classes.entries()) {
      if (!present.has(id)) continue;
      const pixels = new Uint8Array(SWATCH.width * SWATCH.height).fill(id);
      cells.set(name, { title: name, ...SWATCH, rgb: colorize(pixels, classes) });
    }
  }
  return chunkRows([...cells.values()], 2 * SAMPLES_PER_ROW);
}

function chunkRows<One>(all: readonly One[], length: number): One[][] {
  return Array.from(
    { length: Math.ceil(all.length / length) },
    (_, row) => all.slice(row * length, (row + 1) * length),
  );
}
