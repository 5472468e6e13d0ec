/**
 * How well predicted label maps agree with the truth.
 *
 * Source: the metrics of mmsegmentation. Pixels with the label 255 are left out; counts
 * are added over a whole data set before anything is divided.
 *
 * @module
 */
import { IGNORED } from "../core/host_batch.ts";

/** Pixels per class, added over images. Changed in place. */
export interface ClassCounts {
  /** Predicted and true. */
  readonly intersection: Float64Array;
  /** Predicted, where a label is given. */
  readonly predicted: Float64Array;
  /** True. */
  readonly labelled: Float64Array;
}

/** Figures in 0 … 1; NaN (null in JSON) where there is nothing to divide by. */
export interface Scores {
  /** Mean over the classes that are not NaN. */
  readonly mIoU: number;
  /** Mean over the classes that are not NaN. */
  readonly meanAccuracy: number;
  /** The share of labelled pixels that are right. */
  readonly pixelAccuracy: number;
  /** In the order of class ids. */
  readonly classes: readonly ClassScores[];
}

/** One class's figures in 0 … 1. */
export interface ClassScores {
  /** I / (P + L − I); NaN if the class is neither predicted nor true. */
  readonly iou: number;
  /** I / L; NaN if it is nowhere true. */
  readonly accuracy: number;
  /** 2·I / (P + L); NaN if it is neither. */
  readonly dice: number;
}

/** @returns Counts of 0 for so many classes. */
export function createCounts(classes: number): ClassCounts {
  return {
    intersection: new Float64Array(classes),
    predicted: new Float64Array(classes),
    labelled: new Float64Array(classes),
  };
}

/**
 * Adds an image to the counts.
 *
 * @param predicted Class ids, as many as labels.
 * @param labels Class ids, 255 ignored.
 * @throws {RangeError} If the lengths differ, or a value is no class id.
 */
export function addToCounts(
  counts: ClassCounts,
  predicted: ArrayLike<number>,
  labels: ArrayLike<number>,
): void {
  const classes = counts.labelled.length;
  if (predicted.length !== labels.length) {
    throw new RangeError(
      `Cannot score ${predicted.length} predicted pixels against ${labels.length} labels: ` +
        "resize the prediction to the size of the label",
    );
  }
  const add = (to: Float64Array, id: number) => to[id] = (to[id] ?? 0) + 1;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] ?? IGNORED;
    if (label === IGNORED) continue;
    const guess = predicted[i] ?? IGNORED;
    if (label >= classes || guess >= classes || label < 0 || guess < 0) {
      throw new RangeError(
        `Cannot score the label ${label} and the prediction ${guess}: both must be in ` +
          `0 … ${classes - 1} or the label ${IGNORED}`,
      );
    }
    add(counts.predicted, guess);
    add(counts.labelled, label);
    if (label === guess) add(counts.intersection, label);
  }
}

/** @returns The figures for everything counted so far. */
export function scoresOf({ intersection, predicted, labelled }: ClassCounts): Scores {
  const classes = Array.from(intersection, (I, c): ClassScores => {
    const P = predicted[c] ?? 0;
    const L = labelled[c] ?? 0;
    return { iou: I / (P + L - I), accuracy: I / L, dice: 2 * I / (P + L) };
  });
  return {
    mIoU: meanOfPresent(classes.map(({ iou }) => iou)),
    meanAccuracy: meanOfPresent(classes.map(({ accuracy }) => accuracy)),
    pixelAccuracy: sum(intersection) / sum(labelled),
    classes,
  };
}

function meanOfPresent(values: readonly number[]): number {
  const present = values.filter((value) => !Number.isNaN(value));
  return sum(present) / present.length;
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
