/**
 * The pixels of COCO's segmentations: exactly those of pycocotools' `annToMask`.
 *
 * Source: pycocotools, `maskApi.c` (rleFrPoly, rleFrString, rleDecode),
 * https://github.com/ppwwyyxx/cocoapi.
 *
 * @module
 */

import type { Size } from "../../core/host_batch.ts";

/** Receives pixels `from` … `to` − 1, which are counted down the columns, from the left. */
export type FillRun = (from: number, to: number) => void;

/** Steps per pixel in which the boundary of a polygon is followed. */
const UPSAMPLING = 5;

/**
 * Fills a polygon: pycocotools' rleFrPoly. What lies outside of the picture is cut off.
 *
 * @param points x and y in turns, in pixels; at least three points.
 */
export function fillPolygon(
  points: readonly number[],
  { width, height }: Size,
  fill: FillRun,
): void {
  const count = points.length >> 1;
  const upsampled = (i: number) => Math.trunc(UPSAMPLING * (points[i] ?? 0) + 0.5);
  const crossings: number[] = [];
  let [u, v] = [NaN, NaN];
  const follow = (nextU: number, nextV: number) => {
    const [previousU, previousV] = [u, v];
    [u, v] = [nextU, nextV];
    if (u === previousU || Number.isNaN(previousU)) return;
    const x = ((u < previousU ? u : u - 1) + 0.5) / UPSAMPLING - 0.5;
    if (Math.floor(x) !== x || x < 0 || x > width - 1) return;
    const y = (Math.min(v, previousV) + 0.5) / UPSAMPLING - 0.5;
    crossings.push(x * height + Math.ceil(Math.min(Math.max(y, 0), height)));
  };
  for (let j = 0; j < count; j++) {
    const next = (j + 1) % count;
    const [ax, ay] = [upsampled(2 * j), upsampled(2 * j + 1)];
    const [bx, by] = [upsampled(2 * next), upsampled(2 * next + 1)];
    const [dx, dy] = [Math.abs(bx - ax), Math.abs(by - ay)];
    const isFlipped = (dx >= dy && ax > bx) || (dx < dy && ay > by);
    const [x0, y0, x1, y1] = isFlipped ? [bx, by, ax, ay] : [ax, ay, bx, by];
    const steps = Math.max(dx, dy);
    const ratio = steps === 0 ? 0 : dx >= dy ? (y1 - y0) / dx : (x1 - x0) / dy;
    for (let step = 0; step <= steps; step++) {
      const t = isFlipped ? steps - step : step;
      if (dx >= dy) follow(t + x0, Math.trunc(y0 + ratio * t + 0.5));
      else follow(Math.trunc(x0 + ratio * t + 0.5), t + y0);
    }
  }
  const bounds = Float64Array.from(crossings).sort();
  for (let i = 0; i < bounds.length; i += 2) {
    fill(bounds[i] ?? 0, bounds[i + 1] ?? width * height);
  }
}

/**
 * Fills a run-length encoding: pixels without and with the object in turns.
 *
 * @throws {RangeError} If the runs do not cover the picture exactly; the message is a part
 * of a sentence.
 */
export function fillRuns(
  counts: readonly number[],
  { width, height }: Size,
  fill: FillRun,
): void {
  const sum = counts.reduce((total, count) => total + count, 0);
  if (sum !== width * height) {
    throw new RangeError(
      `has runs of ${sum} pixels, and the picture has ${width * height}`,
    );
  }
  let at = 0;
  for (const [i, count] of counts.entries()) {
    if (i % 2 === 1) fill(at, at + count);
    at += count;
  }
}

/**
 * Decodes a compressed run-length encoding: five bits per character, the lowest first,
 * from the fourth on as the difference to the run before the last.
 *
 * @throws {SyntaxError} If it is none; the message is a part of a sentence.
 */
export function decodeRunString(text: string): number[] {
  const counts: number[] = [];
  for (let at = 0; at < text.length;) {
    let [value, scale, hasMore] = [0, 1, true];
    while (hasMore) {
      const code = text.charCodeAt(at++) - 48;
      if (!(code >= 0 && code < 64)) {
        throw new SyntaxError("has a damaged run-length encoding");
      }
      value += (code & 31) * scale;
      scale *= 32;
      hasMore = (code & 32) !== 0;
      if (!hasMore && (code & 16) !== 0) value -= scale;
    }
    const count = value + (counts.length > 2 ? counts[counts.length - 2] ?? 0 : 0);
    if (!(count >= 0 && count < 2 ** 32)) {
      throw new SyntaxError("has a damaged run-length encoding");
    }
    counts.push(count);
  }
  return counts;
}
