/** The curves of a run as a picture that needs neither a browser nor a font. @module */
import { writeOutputFile } from "../io/output_file.ts";
import {
  type EvaluationLine,
  type LogLine,
  parseEvaluationLine,
  parseLogLine,
  readLines,
  runFolder,
} from "../train/run_files.ts";
import { COLORS, describeCharts } from "../ui/page/curves.js";
import {
  type Canvas,
  type Color,
  createCanvas,
  drawLine,
  drawText,
  encodeCanvas,
  fillRectangle,
  GLYPH_ADVANCE,
  GLYPH_HEIGHT,
  shadeRectangle,
} from "./canvas.ts";
import { basename, resolve } from "node:path";

/** What is drawn of a run. */
export interface RunCurves {
  readonly name: string;
  readonly log: readonly LogLine[];
  readonly evaluations: readonly EvaluationLine[];
}

/** A chart, as the page's module, which is plain JavaScript, says it too. */
export interface Chart {
  readonly title: string;
  /** Said after the title. */
  readonly about: string;
  /** Of a value of the axis. */
  readonly format: (value: number) => string;
  /** Whether the axis begins there. */
  readonly fromZero: boolean;
  /** The last iteration of the axis. */
  readonly last: number;
  readonly curves: readonly Curve[];
}

/** A curve of a chart. */
export interface Curve {
  /** Its name. */
  readonly label: string;
  /** In {@linkcode COLORS}. */
  readonly color: number;
  /** Ascends. */
  readonly x: readonly number[];
  /** Null and NaN: no value. */
  readonly y: readonly (number | null)[];
  /** What is shaded above and below each value; absent: nothing. */
  readonly spread?: readonly number[];
}

/** Charts side by side. */
const COLUMNS = 3;

/** Pixels of a dot of a letter. */
const DOT = 2;

/** Of a line of text, and of one of names with what is between them. */
const LETTER_HEIGHT = GLYPH_HEIGHT * DOT;
const NAME_HEIGHT = LETTER_HEIGHT + 8;

/** Of a chart, in pixels; at least so wide, and so high without names of curves. */
const CELL = { width: 520, height: 302 };

/** Around a chart's curves: room for title and numbers. */
const ROOM = { left: 96, right: 20, top: 44, bottom: 42 };

/** Of a name, for the line before it. */
const NAME_INDENT = 32;

/** Lines of names that every chart has room for. */
const LEAST_NAME_LINES = 2;

const MUTED: Color = [98, 106, 115];
const GRID: Color = [223, 226, 230];

const textWidth = (text: string) => text.length * GLYPH_ADVANCE * DOT;

/**
 * Draws the curves of a run into its folder, from its logs.
 *
 * @throws {Error} If the picture cannot be written, with the path and what to do.
 */
export async function writeCurves(path: string): Promise<void> {
  const folder = runFolder(path);
  const picture = drawCurves({
    name: basename(resolve(path)),
    log: await readLines(folder.log, parseLogLine),
    evaluations: await readLines(folder.evaluations, parseEvaluationLine),
  });
  if (picture !== null) await writeOutputFile(folder.curves, picture);
}

/**
 * Draws the curves of a run: losses, mIoU, learning rate, time and memory.
 *
 * @returns A PNG file; null if nothing was logged.
 */
export function drawCurves(run: RunCurves): Uint8Array | null {
  const charts = describeCharts([run], () => 0) as readonly Chart[];
  return charts.length === 0 ? null : drawCharts(charts, COLUMNS);
}

/**
 * Draws charts in rows.
 *
 * @param most Of one row.
 * @returns A PNG file.
 */
export function drawCharts(charts: readonly Chart[], most: number): Uint8Array {
  const columns = Math.min(most, charts.length);
  const width = Math.max(CELL.width, ...charts.map(leastWidth));
  const lines = charts.map((chart) => placeNames(chart, width).lines);
  const height = CELL.height + Math.max(LEAST_NAME_LINES, ...lines) * NAME_HEIGHT;
  const canvas = createCanvas(
    columns * width,
    Math.ceil(charts.length / columns) * height,
  );
  charts.forEach((chart, i) => {
    const [column, row] = [i % columns, Math.floor(i / columns)];
    drawChart(canvas, chart, [column * width, row * height, width]);
  });
  return encodeCanvas(canvas);
}

/** In which the title and each name have room. */
function leastWidth({ title, about, curves }: Chart): number {
  const names = curves.map(({ label }) => NAME_INDENT + textWidth(ascii(label)));
  const widest = Math.max(textWidth(ascii(`${title} ${about}`)), ...names);
  return ROOM.left + widest + ROOM.right;
}

/** Where the names of curves stand: x in pixels from the left of the curves, and line. */
function placeNames({ curves }: Chart, cellWidth: number) {
  const room = cellWidth - ROOM.left - ROOM.right;
  const places: { readonly x: number; readonly line: number }[] = [];
  let [x, line] = [0, 0];
  for (const { label } of curves) {
    const width = NAME_INDENT + textWidth(ascii(label));
    if (x > 0 && x + width > room) [x, line] = [0, line + 1];
    places.push({ x, line });
    x += width + 16;
  }
  return { places, lines: line + 1 };
}

function drawChart(
  canvas: Canvas,
  chart: Chart,
  [cellLeft, cellTop, cellWidth]: readonly [left: number, top: number, width: number],
) {
  const { title, about, format, fromZero, last, curves } = chart;
  const write = (text: string, x: number, y: number, color?: Color) =>
    drawText(canvas, ascii(text), [Math.round(x), Math.round(y)], {
      dot: DOT,
      ...color && { color },
    });
  const [left, top] = [cellLeft + ROOM.left, cellTop + ROOM.top];
  const right = cellLeft + cellWidth - ROOM.right;
  const bottom = cellTop + CELL.height - ROOM.bottom;

  write(title, left, cellTop + 16);
  write(about, left + textWidth(`${title} `), cellTop + 16, MUTED);

  const values = curves.flatMap(({ y, spread }) =>
    y.flatMap((value, i) => {
      if (!isFigure(value)) return [];
      const around = spread?.[i] ?? 0;
      return [value - around, value + around];
    })
  );
  const yTicks = ticksOf(
    Math.min(...values, ...fromZero ? [0] : []),
    Math.max(...values),
    5,
  );
  const xTicks = ticksOf(0, last, 5).filter((tick) => tick <= last);
  const [low = 0, high = 1] = [yTicks[0], yTicks.at(-1)];
  const xOf = (x: number) => left + (x / last) * (right - left);
  const yOf = (y: number) => bottom - ((y - low) / (high - low)) * (bottom - top);

  for (const tick of yTicks) {
    const y = Math.round(yOf(tick));
    fillRectangle(canvas, [left, y, right - left, 1], GRID);
    const text = format(tick);
    write(text, left - 8 - textWidth(text), y - LETTER_HEIGHT / 2, MUTED);
  }
  for (const tick of xTicks) {
    const x = Math.round(xOf(tick));
    fillRectangle(canvas, [x, top, 1, bottom - top], GRID);
    const text = String(tick);
    const at = Math.min(x - textWidth(text) / 2, cellLeft + cellWidth - textWidth(text));
    write(text, at, bottom + 8, MUTED);
  }
  for (const curve of curves) drawSpread(canvas, curve, xOf, yOf);
  const { places } = placeNames(chart, cellWidth);
  curves.forEach((curve, i) => {
    const color = colorOf(curve);
    const points = curve.x.flatMap((x, i): [number, number][] => {
      const y = curve.y[i];
      return isFigure(y) ? [[xOf(x), yOf(y)]] : [];
    });
    points.forEach((point, at) => {
      drawLine(canvas, points[at - 1] ?? point, point, { color, width: 2.5 });
    });
    const { x = 0, line = 0 } = places[i] ?? {};
    const [nameLeft, nameTop] = [left + x, bottom + 36 + line * NAME_HEIGHT];
    const middle = nameTop + LETTER_HEIGHT / 2;
    drawLine(canvas, [nameLeft, middle], [nameLeft + 24, middle], { color, width: 3.5 });
    write(curve.label, nameLeft + NAME_INDENT, nameTop);
  });
}

/** Shades what lies around a curve, column by column; darker where curves overlap. */
function drawSpread(
  canvas: Canvas,
  curve: Curve,
  xOf: (x: number) => number,
  yOf: (y: number) => number,
) {
  const { x, y, spread } = curve;
  if (spread === undefined) return;
  const shade = colorOf(curve).map((part) => Math.round(255 - (255 - part) / 8));
  for (let i = 1; i < x.length; i++) {
    const [x0 = 0, x1 = 0, y0, y1] = [x[i - 1], x[i], y[i - 1], y[i]];
    if (!isFigure(y0) || !isFigure(y1)) continue;
    const [start, end] = [Math.round(xOf(x0)), Math.round(xOf(x1))];
    for (let column = start; column < end; column++) {
      const share = (column - start) / (end - start);
      const mix = (a: number, b: number) => a + (b - a) * share;
      const middle = mix(y0, y1);
      const around = mix(spread[i - 1] ?? 0, spread[i] ?? 0);
      const top = Math.round(yOf(middle + around));
      const height = Math.round(yOf(middle - around)) - top;
      shadeRectangle(canvas, [column, top, 1, height], shade as [number, number, number]);
    }
  }
}

const isFigure = (value: number | null | undefined): value is number =>
  typeof value === "number" && Number.isFinite(value);

function colorOf({ color }: Curve): Color {
  const hex = parseInt((COLORS.light[color] ?? "#000000").slice(1), 16);
  return [hex >> 16, hex >> 8 & 255, hex & 255];
}

/** What the letters at hand cannot show, as they can. */
const ascii = (text: string) =>
  text.replaceAll("–", "-").replaceAll("…", "...").replaceAll("×", "x");

/** Round numbers around a range, about so many. */
function ticksOf(low: number, high: number, count: number): number[] {
  const span = high - low || Math.abs(high) || 1;
  const rough = span / count;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = magnitude * ([1, 2, 5].find((one) => one * magnitude >= rough) ?? 10);
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step));
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}
