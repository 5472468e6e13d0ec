/** The pixels of each class: in a window, in a label, in all labels of a data set. @module */

import { type Box, IGNORE_INDEX } from "../core/host_batch.ts";
import type { DataSet, LabelMap } from "./data_set.ts";

/** A rectangle of pixels. */
export type CropWindow = Box;

/**
 * Counts the label values of a window.
 *
 * @param label Class ids of the whole image. [H, W]
 * @param stride W
 * @returns Pixels per value. [256]
 */
export function classHistogram(
  label: Uint8Array,
  stride: number,
  window: CropWindow,
): Uint32Array {
  const counts = new Uint32Array(256);
  for (let row = 0; row < window.height; row++) {
    const start = (window.top + row) * stride + window.left;
    for (let i = start; i < start + window.width; i++) {
      const value = label[i] ?? IGNORE_INDEX;
      counts[value] = (counts[value] ?? 0) + 1;
    }
  }
  return counts;
}

/** Pixels per class id of one label. Ignored pixels are not counted. */
export async function countLabelPixels(
  dataSet: DataSet,
  index: number,
): Promise<number[]> {
  return classPixels(await dataSet.readLabel(index), dataSet.classes.length);
}

/** Pixels of the class ids 0 … `classes` − 1. */
export function classPixels(label: LabelMap, classes: number): number[] {
  const { data, width, height } = label;
  const counts = classHistogram(data, width, { top: 0, left: 0, height, width });
  return [...counts.subarray(0, classes)];
}

/** Pixels per class id of labels in order, in as few bytes as possible. */
export interface PixelCounts {
  readonly labelCount: number;
  readonly classCount: number;
  /** A label has fewer than 2³² pixels. [labels, classes] */
  readonly data: Uint32Array;
}

/** Counts that are all 0. */
export const createPixelCounts = (
  labelCount: number,
  classCount: number,
): PixelCounts => ({
  labelCount,
  classCount,
  data: new Uint32Array(labelCount * classCount),
});

/** The counts of one label; a view. */
export const labelCounts = (
  { classCount, data }: PixelCounts,
  label: number,
): Uint32Array => data.subarray(label * classCount, (label + 1) * classCount);

/** Collects the counts of single labels. */
export function pixelCountsFrom(
  labels: readonly ArrayLike<number>[],
  classes: number,
): PixelCounts {
  const counts = createPixelCounts(labels.length, classes);
  for (const [label, classPixels] of labels.entries()) {
    labelCounts(counts, label).set(classPixels);
  }
  return counts;
}

/** Sums over all labels; index = class id. */
export function classTotals({ labelCount, classCount, data }: PixelCounts): number[] {
  const totals = new Array<number>(classCount).fill(0);
  for (let label = 0; label < labelCount; label++) {
    for (let id = 0; id < classCount; id++) {
      totals[id] = (totals[id] ?? 0) + (data[label * classCount + id] ?? 0);
    }
  }
  return totals;
}
