/**
 * Which classes are taken for which: the counts that every figure of an evaluation comes
 * from.
 *
 * Pixels with the label 255 are left out. Counts are whole numbers, exact up to 2⁵³, and
 * are added over a whole data set before anything is divided: neither the order of images
 * nor how they are grouped can change a figure.
 *
 * @module
 */
import { IGNORED } from "../core/host_batch.ts";

/** Pixels by true and predicted class, added over images. Changed in place. */
export interface ConfusionMatrix {
  /** C */
  readonly classes: number;
  /** Row: the true class; column: the predicted one. [C, C] */
  readonly counts: Float64Array;
}

/** What a confusion matrix holds of each class. */
export interface ClassCounts {
  /** Predicted and true: the diagonal. */
  readonly intersection: Float64Array;
  /** Predicted, where a label is given: sums of columns. */
  readonly predicted: Float64Array;
  /** True: sums of rows. */
  readonly labelled: Float64Array;
}

/** @returns Counts of 0 for so many classes. */
export function createConfusion(classes: number): ConfusionMatrix {
  return { classes, counts: new Float64Array(classes * classes) };
}

/**
 * Adds an image to the counts.
 *
 * @param predicted Class ids, as many as labels.
 * @param labels Class ids, 255 ignored.
 * @param where Pixels to count: those that are not 0; all if left out.
 * @throws {RangeError} If the lengths differ, or a value is no class id.
 */
export function addToConfusion(
  { classes, counts }: ConfusionMatrix,
  predicted: ArrayLike<number>,
  labels: ArrayLike<number>,
  where?: ArrayLike<number>,
): void {
  if (predicted.length !== labels.length) {
    throw new RangeError(
      `Cannot score ${predicted.length} predicted pixels against ${labels.length} labels: ` +
        "resize the prediction to the size of the label",
    );
  }
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] ?? IGNORED;
    if (label === IGNORED || where?.[i] === 0) continue;
    const guess = predicted[i] ?? IGNORED;
    if (label >= classes || guess >= classes || label < 0 || guess < 0) {
      throw new RangeError(
        `Cannot score the label ${label} and the prediction ${guess}: both must be in ` +
          `0 … ${classes - 1} or the label ${IGNORED}`,
      );
    }
    const at = label * classes + guess;
    counts[at] = (counts[at] ?? 0) + 1;
  }
}

/** The diagonal and the sums of columns and rows. */
export function classCountsOf({ classes, counts }: ConfusionMatrix): ClassCounts {
  const intersection = new Float64Array(classes);
  const predicted = new Float64Array(classes);
  const labelled = new Float64Array(classes);
  counts.forEach((count, at) => {
    const [label, guess] = [Math.floor(at / classes), at % classes];
    labelled[label] = (labelled[label] ?? 0) + count;
    predicted[guess] = (predicted[guess] ?? 0) + count;
    if (label === guess) intersection[label] = count;
  });
  return { intersection, predicted, labelled };
}

/** The rows of a confusion matrix as plain numbers. [C][C] */
export function rowsOf({ classes, counts }: ConfusionMatrix): number[][] {
  return Array.from(
    { length: classes },
    (_, label) => [...counts.subarray(label * classes, (label + 1) * classes)],
  );
}
