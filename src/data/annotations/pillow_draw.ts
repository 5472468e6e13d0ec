/**
 * Filled shapes, exactly as Pillow's `ImageDraw` draws them: labelme's masks are made of
 * these. Coordinates are cut to whole numbers, and computed with in 32-bit floats.
 *
 * Source: Pillow 13, `src/libImaging/Draw.c` (polygon_generic, ImagingDrawPolygon,
 * ImagingDrawWideLine, ImagingDrawRectangle, ellipseNew),
 * https://github.com/python-pillow/Pillow.
 *
 * @module
 */

import type { Size } from "../../core/host_batch.ts";

/** x and y in pixels. */
export type Point = readonly [x: number, y: number];

/** A picture that is drawn into. */
export interface Canvas extends Size {
  /** Receives columns `left` … `right` of a row, all of them within the picture. */
  readonly fill: (row: number, left: number, right: number) => void;
}

const { fround, trunc, abs, min, max } = Math;

/** Half away from zero, of a 32-bit float: C's roundf. */
const roundf = (value: number): number =>
  value < 0 ? -Math.floor(abs(value) + 0.5) : Math.floor(value + 0.5);

/** Pillow's ROUND_UP and ROUND_DOWN: they differ where a half is to be rounded. */
const roundUp = roundf;
const roundDown = (value: number): number =>
  value < 0 ? -Math.ceil(abs(value) - 0.5) : Math.ceil(value - 0.5);

function fillSpan({ width, height, fill }: Canvas, row: number, x0: number, x1: number) {
  if (row < 0 || row >= height || x0 >= width || x1 < 0) return;
  const [left, right] = [max(x0, 0), min(x1, width - 1)];
  if (left <= right) fill(row, left, right);
}

/** A side of a polygon between whole coordinates. */
interface Edge {
  readonly x0: number;
  readonly y0: number;
  xmin: number;
  xmax: number;
  readonly ymin: number;
  readonly ymax: number;
  /** As a 32-bit float; 0 of a horizontal one. */
  readonly columnsPerRow: number;
}

const edgeOf = (x0: number, y0: number, x1: number, y1: number): Edge => ({
  x0,
  y0,
  xmin: min(x0, x1),
  xmax: max(x0, x1),
  ymin: min(y0, y1),
  ymax: max(y0, y1),
  columnsPerRow: y0 === y1 ? 0 : fround(fround(x1 - x0) / fround(y1 - y0)),
});

/** Where an edge crosses a row. */
const crossing = ({ x0, y0, columnsPerRow }: Edge, row: number): number =>
  fround(fround(fround(row - y0) * columnsPerRow) + fround(x0));

/** Draws a polygon, as `draw.polygon(points, fill=1, outline=1)`. */
export function drawPolygon(canvas: Canvas, points: readonly Point[]): void {
  const corners = points.map(([x, y]): Point => [trunc(x), trunc(y)]);
  const edges: Edge[] = [];
  for (let i = 0; i + 1 < corners.length; i++) {
    const [[x0, y0], [x1, y1]] = [at(corners, i), at(corners, i + 1)];
    const last = edges.at(-1);
    if (i > 0 && last !== undefined && y0 === y1 && y0 === at(corners, i - 1)[1]) {
      // One horizontal line goes on where another one ends.
      const [before] = at(corners, i - 1);
      if (x1 > x0 && x0 > before) {
        last.xmax = x1;
        continue;
      }
      if (x1 < x0 && x0 < before) {
        last.xmin = x1;
        continue;
      }
    }
    edges.push(edgeOf(x0, y0, x1, y1));
  }
  const [first, last] = [at(corners, 0), at(corners, corners.length - 1)];
  if (last[0] !== first[0] || last[1] !== first[1]) {
    edges.push(edgeOf(...last, ...first));
  }
  fillEdges(canvas, edges);
}

const at = (points: readonly Point[], i: number): Point => points[i] ?? [0, 0];

// Pillow's polygon_generic.
function fillEdges(canvas: Canvas, edges: readonly Edge[]): void {
  const { height } = canvas;
  let [top, bottom] = [height - 1, 0];
  const slanted: Edge[] = [];
  for (const edge of edges) {
    const { xmin, xmax, ymin, ymax } = edge;
    [top, bottom] = [min(top, ymin), max(bottom, ymax)];
    if (ymin === ymax) fillSpan(canvas, ymin, xmin, xmax);
    else slanted.push(edge);
  }
  [top, bottom] = [max(top, 0), min(bottom, height)];
  for (let row = top; row <= bottom; row++) {
    const crossings: number[] = [];
    for (const [i, edge] of slanted.entries()) {
      if (row < edge.ymin || row > edge.ymax) continue;
      const x = crossing(edge, row);
      const isLast = row === edge.ymax;
      if (isLast && row < bottom) crossings.push(x, x);
      else if ((isLast || row === edge.ymin) && edge.columnsPerRow !== 0) {
        crossings.push(joinedCorner(slanted, i, row, x));
      } else crossings.push(x);
    }
    crossings.sort((a, b) => a - b);
    for (let i = 1; i < crossings.length; i += 2) {
      fillSpan(
        canvas,
        row,
        roundUp(crossings[i - 1] ?? 0),
        roundDown(crossings[i] ?? 0),
      );
    }
  }
}

// Moves the end of an edge so that a pointed corner stays connected to the next row.
function joinedCorner(
  edges: readonly Edge[],
  index: number,
  row: number,
  x: number,
): number {
  const edge = edges[index];
  if (edge === undefined) return x;
  const next = row + (row === edge.ymax ? -1 : 1);
  for (const other of edges) {
    if (other === edge) break; // joined when its turn comes
    if ((row !== other.ymin && row !== other.ymax) || other.columnsPerRow === 0) continue;
    if (roundf(x) !== roundf(crossing(other, row))) continue;
    if (next < other.ymin || next > other.ymax) continue;
    const [here, there] = [crossing(edge, next), crossing(other, next)];
    if (x > fround(here + 1) && x > fround(there + 1)) {
      return roundf(max(here, there)) + 1;
    }
    if (x < fround(here - 1) && x < fround(there - 1)) {
      return roundf(min(here, there)) - 1;
    }
    return x;
  }
  return x;
}

/** Draws joined lines, as `draw.line(points, fill=1, width=width)` does for widths above 1. */
export function drawLine(canvas: Canvas, points: readonly Point[], width: number): void {
  for (let i = 0; i + 1 < points.length; i++) {
    const [x0, y0] = at(points, i).map(trunc) as [number, number];
    const [x1, y1] = at(points, i + 1).map(trunc) as [number, number];
    const [dx, dy] = [x1 - x0, y1 - y0];
    if (dx === 0 && dy === 0) {
      fillSpan(canvas, y0, x0, x0);
      continue;
    }
    const length = Math.sqrt(dx * dx + dy * dy);
    const [far, near] = [roundUp((width - 1) / 2), roundDown((width - 1) / 2)]
      .map((half) => half / length) as [number, number];
    const [left, right] = [roundDown(near * dy), roundDown(far * dy)];
    const [above, below] = [roundDown(near * dx), roundDown(far * dx)];
    const corners: Point[] = [
      [x0 - left, y0 + below],
      [x1 - left, y1 + below],
      [x1 + right, y1 - above],
      [x0 + right, y0 - above],
    ];
    const edges = corners.map((corner, j) =>
      edgeOf(...corner, ...at(corners, (j + 1) % corners.length))
    );
    fillEdges(canvas, edges);
  }
}

/** Draws a rectangle with both of its corners, as `draw.rectangle`. */
export function drawRectangle(
  canvas: Canvas,
  [left, top]: Point,
  [right, bottom]: Point,
): void {
  const last = min(trunc(bottom), canvas.height - 1);
  for (let row = max(trunc(top), 0); row <= last; row++) {
    fillSpan(canvas, row, trunc(left), trunc(right));
  }
}

/** Draws the ellipse in a rectangle, as `draw.ellipse(…, fill=1, outline=1)`. */
export function drawEllipse(
  canvas: Canvas,
  topLeft: Point,
  bottomRight: Point,
): void {
  const [x0, y0] = topLeft.map(trunc) as [number, number];
  const [x1, y1] = bottomRight.map(trunc) as [number, number];
  const [a, b] = [x1 - x0, y1 - y0];
  if (a + b < 1) return; // Pillow's ring would have no width
  const drawRow = (y: number, right: number) => {
    for (const row of [y, -y]) {
      const [left, end] = [trunc((-right + a) / 2), trunc((right + a) / 2)];
      fillSpan(canvas, y0 + trunc((row + b) / 2), x0 + left, x0 + end);
    }
  };
  // Of the points of a row, the first is the outermost.
  let row = -1;
  for (const [x, y] of quarterPoints(a, b)) {
    if (y <= row) continue;
    row = y;
    drawRow(y, x);
  }
}

/** Beyond this diameter, products of four lengths are no exact doubles. */
const MAX_EXACT = 8000;

/**
 * The quarter of an ellipse of the half axes a and b, from (a, 0 or 1) to (0 or 1, b), on
 * points with steps of 2.
 */
function* quarterPoints(a: number, b: number): Generator<Point> {
  const isExact = max(a, b) <= MAX_EXACT;
  const deviation = isExact
    ? (x: number, y: number) => abs(a * a * y * y + b * b * x * x - a * a * b * b)
    : (x: number, y: number) => {
      const [p, q, r, s] = [BigInt(a), BigInt(b), BigInt(x), BigInt(y)];
      const value = p * p * s * s + q * q * r * r - p * p * q * q;
      return value < 0n ? -value : value;
    };
  let [x, y] = [a, b % 2];
  const [lastX, lastY] = [a % 2, b];
  while (true) {
    yield [x, y];
    if (x === lastX && y === lastY) return;
    const candidates: Point[] = x > 1
      ? [[x, y + 2], [x - 2, y + 2], [x - 2, y]]
      : [[x, y + 2]];
    let [best = [x, y + 2]] = candidates;
    let least = deviation(...best);
    for (const candidate of candidates.slice(1)) {
      const value = deviation(...candidate);
      if (value < least) [best, least] = [candidate, value];
    }
    [x, y] = best;
  }
}
