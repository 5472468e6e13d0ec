/** The pixels of each class in a label. @module */

import { countClasses } from "./crop.ts";
import type { DataSet, LabelMap } from "./data_set.ts";

/** Pixels per class id of one label. Ignored pixels are not counted. */
export async function countLabel(dataSet: DataSet, index: number): Promise<number[]> {
  return pixelsOf(await dataSet.readLabel(index), dataSet.classes.length);
}

/** Pixels of the class ids 0 … `classes` − 1. */
export function pixelsOf(label: LabelMap, classes: number): number[] {
  const { data, width, height } = label;
  const counts = countClasses(data, width, { top: 0, left: 0, height, width });
  return [...counts.subarray(0, classes)];
}
