/** Flat shapes on a grid of pixels: color, class and distance are painted together. @module */

import type { Size } from "../../core/host_batch.ts";
import { EMBEDDED_CLASS_IDS, type EmbeddedClassName } from "./classes.ts";

/** Red, green, blue in 0 … 255. */
export type Rgb = readonly [number, number, number];

/** A place in pixels, from the top left corner: right, down. */
export type Point2 = readonly [number, number];

/** An image in the making. */
export interface Canvas extends Size {
  /** [H, W, 3] */
  readonly color: Uint8ClampedArray;
  /** Class ids. [H, W] */
  readonly label: Uint8Array;
  /** Metres from the camera. [H, W] */
  readonly distance: Float32Array;
}

/** What a shape is filled with. */
export interface Paint {
  /** Class id. */
  readonly id: number;
  readonly color: Rgb;
  /** Metres from the camera. */
  readonly distance: number;
}

/** The paint of a thing of a class. */
export const paintOf = (
  name: EmbeddedClassName,
  color: Rgb,
  distance: number,
): Paint => ({ id: EMBEDDED_CLASS_IDS[name], color, distance });

/** An empty canvas. */
export function createCanvas({ height, width }: Size): Canvas {
  return {
    height,
    width,
    color: new Uint8ClampedArray(height * width * 3),
    label: new Uint8Array(height * width),
    distance: new Float32Array(height * width),
  };
}

/** Paints one pixel. */
export function setPixel(canvas: Canvas, at: number, paint: Paint): void {
  canvas.color[at * 3] = paint.color[0];
  canvas.color[at * 3 + 1] = paint.color[1];
  canvas.color[at * 3 + 2] = paint.color[2];
  canvas.label[at] = paint.id;
  canvas.distance[at] = paint.distance;
}

/** Fills a polygon (even-odd rule): a pixel belongs to it if its center does. */
export function fillPolygon(
  canvas: Canvas,
  points: readonly Point2[],
  paint: Paint,
): void {
  const { color, label, distance } = canvas;
  const [red, green, blue] = paint.color;
  forEachSpan(canvas, points, (from, to) => {
    for (let at = from; at < to; at++) {
      label[at] = paint.id;
      distance[at] = paint.distance;
      color[at * 3] = red;
      color[at * 3 + 1] = green;
      color[at * 3 + 2] = blue;
    }
  });
}

/** Multiplies the colors inside a polygon: a shadow. Classes stay. */
export function shadePolygon(
  canvas: Canvas,
  points: readonly Point2[],
  factor: number,
): void {
  forEachSpan(canvas, points, (from, to) => {
    for (let i = from * 3; i < to * 3; i++) {
      canvas.color[i] = (canvas.color[i] ?? 0) * factor;
    }
  });
}

/** A color times a brightness. */
export function scaleColor(color: Rgb, factor: number): Rgb {
  return [color[0] * factor, color[1] * factor, color[2] * factor];
}

/** A color on the way from `a` (share 0) to `b` (share 1). */
export function mixColors(a: Rgb, b: Rgb, fraction: number): Rgb {
  return [
    a[0] + (b[0] - a[0]) * fraction,
    a[1] + (b[1] - a[1]) * fraction,
    a[2] + (b[2] - a[2]) * fraction,
  ];
}

// Visits the pixels inside a polygon as runs within a row: first, and one past the last.
function forEachSpan(
  { height, width }: Size,
  points: readonly Point2[],
  visit: (from: number, to: number) => void,
): void {
  let top = Infinity;
  let bottom = -Infinity;
  for (const [, y] of points) {
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  const firstRow = Math.max(0, Math.ceil(top - 0.5));
  const lastRow = Math.min(height - 1, Math.ceil(bottom - 0.5) - 1);
  const crossings: number[] = [];
  for (let row = firstRow; row <= lastRow; row++) {
    const y = row + 0.5;
    crossings.length = 0;
    let [fromX, fromY] = points[points.length - 1] ?? [0, 0];
    for (const [toX, toY] of points) {
      if (fromY > y !== toY > y) {
        crossings.push(fromX + (y - fromY) / (toY - fromY) * (toX - fromX));
      }
      fromX = toX;
      fromY = toY;
    }
    if (crossings.length > 2) crossings.sort((a, b) => a - b);
    else if ((crossings[0] ?? 0) > (crossings[1] ?? 0)) crossings.reverse();
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const first = Math.max(0, Math.ceil((crossings[i] ?? 0) - 0.5));
      const last = Math.min(width - 1, Math.ceil((crossings[i + 1] ?? 0) - 0.5) - 1);
      if (first <= last) visit(row * width + first, row * width + last + 1);
    }
  }
}
