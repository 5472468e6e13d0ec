/** Where to cut a training picture. @module */

import { IGNORED } from "../core/host_batch.ts";
import type { Random } from "../core/random.ts";
import type { Size, Window } from "./resize.ts";

/** How often a window is drawn anew before it is taken as it comes. */
const TRIES = 10;

/**
 * Draws a window, every position equally likely. Along a side where the picture is smaller
 * than the crop, the window is the whole side.
 *
 * @param size The picture's size.
 * @param crop The crop's size.
 */
export function drawWindow(size: Size, crop: Size, random: Random): Window {
  const top = random.integer(Math.max(size.height - crop.height, 0) + 1);
  const left = random.integer(Math.max(size.width - crop.width, 0) + 1);
  return {
    top,
    left,
    height: Math.min(crop.height, size.height),
    width: Math.min(crop.width, size.width),
  };
}

/**
 * Draws a window that is not dominated by one class: up to ten times until more than one
 * class is present and the largest has less than `limit` of the labelled pixels. The
 * window drawn after the tenth failure is taken unseen.
 *
 * Source: `RandomCrop` of MMSegmentation 0.16 with `cat_max_ratio`.
 *
 * @param label The whole picture's class ids. [H, W]
 * @param size H and W.
 * @param limit `largestClassShare`, 0 … 1; from 1 on every window is good.
 */
export function drawVariedWindow(
  label: Uint8Array,
  size: Size,
  crop: Size,
  limit: number,
  random: Random,
): Window {
  let window = drawWindow(size, crop, random);
  if (limit >= 1) return window;
  for (let tried = 0; tried < TRIES; tried++) {
    const counts = countClasses(label, size.width, window);
    let labelled = 0;
    let largest = 0;
    let classes = 0;
    for (let id = 0; id < IGNORED; id++) {
      const count = counts[id] ?? 0;
      labelled += count;
      largest = Math.max(largest, count);
      if (count > 0) classes++;
    }
    if (classes > 1 && largest / labelled < limit) return window;
    window = drawWindow(size, crop, random);
  }
  return window;
}

/**
 * Counts the label values of a window.
 *
 * @param label Class ids of the whole picture. [H, W]
 * @param stride W
 * @returns Pixels per value. [256]
 */
export function countClasses(
  label: Uint8Array,
  stride: number,
  window: Window,
): Uint32Array {
  const counts = new Uint32Array(256);
  for (let row = 0; row < window.height; row++) {
    const start = (window.top + row) * stride + window.left;
    for (let i = start; i < start + window.width; i++) {
      const value = label[i] ?? IGNORED;
      counts[value] = (counts[value] ?? 0) + 1;
    }
  }
  return counts;
}
