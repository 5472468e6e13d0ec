/** Pictures in the making: rectangles, and letters in the 5×7 dot-matrix shapes of ASCII. @module */
import { encodePng } from "../formats/png.ts";

/** Pixels from one letter to the next, at scale 1. */
export const GLYPH_ADVANCE = 6;

/** Pixels of a letter's height, at scale 1. */
export const GLYPH_HEIGHT = 7;

const FIRST_CODE = 32;

// Five columns per letter, two hexadecimal digits each; the lowest bit is the top pixel.
const GLYPHS = [
  "0000000000 00005f0000 0007000700 147f147f14 242a7f2a12 2313086462 3649552250 0005030000",
  "001c224100 0041221c00 14083e0814 08083e0808 0050300000 0808080808 0060600000 2010080402",
  "3e5149453e 00427f4000 4261514946 2141454b31 1814127f10 2745454539 3c4a494930 0171090503",
  "3649494936 064949291e 0036360000 0056360000 0814224100 1414141414 0041221408 0201510906",
  "324979413e 7e1111117e 7f49494936 3e41414122 7f4141221c 7f49494941 7f09090901 3e4149497a",
  "7f0808087f 00417f4100 2040413f01 7f08142241 7f40404040 7f020c027f 7f0408107f 3e4141413e",
  "7f09090906 3e4151215e 7f09192946 4649494931 01017f0101 3f4040403f 1f2040201f 3f4038403f",
  "6314081463 0708700807 6151494543 007f414100 0204081020 0041417f00 0402010204 4040404040",
  "0001020400 2054545478 7f48444438 3844444420 384444487f 3854545418 087e090102 0c5252523e",
  "7f08040478 00447d4000 2040443d00 7f10284400 00417f4000 7c04180478 7c08040478 3844444438",
  "7c14141408 081414187c 7c08040408 4854545420 043f444020 3c4040207c 1c2040201c 3c4030403c",
  "4428102844 0c5050503c 4464544c44 0008364100 00007f0000 0041360800 1008081008",
].join(" ").split(" ").map((columns) =>
  Array.from({ length: 5 }, (_, i) => parseInt(columns.slice(2 * i, 2 * i + 2), 16))
);

const UNKNOWN_GLYPH = GLYPHS["?".charCodeAt(0) - FIRST_CODE] ?? [];

/**
 * The dots of a line of text.
 *
 * @param text Letters beyond printable ASCII become "?".
 * @returns [x, y] of every dot, from the top left corner.
 */
export function textPixels(text: string): [number, number][] {
  return [...text].flatMap((letter, place) => {
    const columns = GLYPHS[letter.charCodeAt(0) - FIRST_CODE] ?? UNKNOWN_GLYPH;
    return columns.flatMap((bits, x) =>
      Array.from({ length: GLYPH_HEIGHT }, (_, y) => y)
        .filter((y) => bits >> y & 1)
        .map((y): [number, number] => [place * GLYPH_ADVANCE + x, y])
    );
  });
}

/** Red, green and blue, 0 … 255. */
export type Color = readonly [number, number, number];

/** Text on white. */
export const INK: Color = [40, 40, 40];

/** A picture in the making. */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  /** RGB. [H, W, 3] */
  readonly data: Uint8Array<ArrayBuffer>;
}

/** A white canvas. */
export function createCanvas(width: number, height: number): Canvas {
  return { width, height, data: new Uint8Array(3 * width * height).fill(255) };
}

/** @returns A PNG file. */
export function encodeCanvas(canvas: Canvas): Uint8Array {
  return encodePng({ ...canvas, channels: 3 });
}

/** Left, top, columns and rows, in pixels. */
export type Rectangle = readonly [number, number, number, number];

/** Fills what of a rectangle is on the canvas. */
export function fillRectangle(canvas: Canvas, rectangle: Rectangle, color: Color): void {
  for (const at of pixelsOf(canvas, rectangle)) canvas.data.set(color, at);
}

/** As a colored glass on what is there: each value times the color's, of 255. */
export function shadeRectangle(canvas: Canvas, rectangle: Rectangle, color: Color): void {
  const { data } = canvas;
  for (const at of pixelsOf(canvas, rectangle)) {
    color.forEach((value, i) =>
      data[at + i] = Math.round((data[at + i] ?? 0) * value / 255)
    );
  }
}

/** Where the values of pixels begin. */
function* pixelsOf(
  { width, height }: Canvas,
  [left, top, columns, rows]: Rectangle,
): Generator<number> {
  for (let y = Math.max(0, top); y < Math.min(height, top + rows); y++) {
    for (let x = Math.max(0, left); x < Math.min(width, left + columns); x++) {
      yield 3 * (y * width + x);
    }
  }
}

/**
 * Writes to the right, or upwards from the bottom left.
 *
 * @param dot Pixels of a dot of a letter.
 */
export function drawText(
  canvas: Canvas,
  text: string,
  [left, top]: readonly [number, number],
  { color = INK, isUpright = false, dot = 1 }: {
    readonly color?: Color;
    readonly isUpright?: boolean;
    readonly dot?: number;
  } = {},
): void {
  for (const [x, y] of textPixels(text)) {
    const [right, down] = isUpright ? [y, -x - 1] : [x, y];
    fillRectangle(canvas, [left + right * dot, top + down * dot, dot, dot], color);
  }
}

/**
 * Draws a line with smooth edges and round ends.
 *
 * @param from x and y of one end, in pixels; whole numbers are corners of pixels.
 * @param width In pixels.
 */
export function drawLine(
  canvas: Canvas,
  from: readonly [number, number],
  to: readonly [number, number],
  { color = INK, width = 1 }: { readonly color?: Color; readonly width?: number } = {},
): void {
  const [[x0, y0], [x1, y1]] = [from, to];
  const [dx, dy] = [x1 - x0, y1 - y0];
  const reach = width / 2 + 1;
  const within = (value: number, size: number) => Math.min(size, Math.max(0, value));
  const left = within(Math.floor(Math.min(x0, x1) - reach), canvas.width);
  const right = within(Math.ceil(Math.max(x0, x1) + reach), canvas.width);
  const top = within(Math.floor(Math.min(y0, y1) - reach), canvas.height);
  const bottom = within(Math.ceil(Math.max(y0, y1) + reach), canvas.height);
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const [px, py] = [x + 0.5 - x0, y + 0.5 - y0];
      const along = Math.min(
        1,
        Math.max(0, (px * dx + py * dy) / (dx * dx + dy * dy || 1)),
      );
      const distance = Math.hypot(px - along * dx, py - along * dy);
      const share = Math.min(1, Math.max(0, width / 2 + 0.5 - distance));
      if (share === 0) continue;
      const at = 3 * (y * canvas.width + x);
      color.forEach((value, i) => {
        const before = canvas.data[at + i] ?? 0;
        canvas.data[at + i] = Math.round(before + share * (value - before));
      });
    }
  }
}
