/** Pixels per class of many labels, in as few bytes as they have. @module */

/** Pixels per class id of labels in order. */
export interface PixelCounts {
  readonly labels: number;
  readonly classes: number;
  /** A label has fewer than 2³² pixels. [labels, classes] */
  readonly data: Uint32Array;
}

/** Counts of 0. */
export const createCounts = (labels: number, classes: number): PixelCounts => ({
  labels,
  classes,
  data: new Uint32Array(labels * classes),
});

/** The counts of one label: a view. */
export const countsOf = ({ classes, data }: PixelCounts, label: number): Uint32Array =>
  data.subarray(label * classes, (label + 1) * classes);

/** The counts of some labels, given one by one. */
export function countsFrom(
  labels: readonly ArrayLike<number>[],
  classes: number,
): PixelCounts {
  const counts = createCounts(labels.length, classes);
  for (const [label, own] of labels.entries()) countsOf(counts, label).set(own);
  return counts;
}

/** Sums over all labels; index = class id. */
export function totalsOf({ labels, classes, data }: PixelCounts): number[] {
  const totals = new Array<number>(classes).fill(0);
  for (let label = 0; label < labels; label++) {
    for (let id = 0; id < classes; id++) {
      totals[id] = (totals[id] ?? 0) + (data[label * classes + id] ?? 0);
    }
  }
  return totals;
}
