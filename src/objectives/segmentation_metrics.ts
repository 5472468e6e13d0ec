/**
 * How well predicted label maps agree with the labels.
 *
 * Everything is computed from one confusion matrix, whose counts are whole numbers, exact
 * up to 2⁵³, and summed over a whole data set before anything is divided: no metric depends
 * on the order or the grouping of images. Pixels with the label 255 are left out.
 *
 * Source: the metrics of mmsegmentation; the frequency-weighted IoU is that of Long et al.,
 * "Fully Convolutional Networks" (CVPR 2015), https://arxiv.org/abs/1411.4038, section 5.
 *
 * @module
 */
import { IGNORE_INDEX } from "../core/host_batch.ts";

/** Pixels by true and predicted class, summed over images. Changed in place. */
export interface ConfusionMatrix {
  /** C */
  readonly classCount: number;
  /** Row: the true class; column: the predicted one. [C, C] */
  readonly counts: Float64Array<ArrayBuffer>;
}

/** @returns Counts of 0 for so many classes. */
export function createConfusionMatrix(classCount: number): ConfusionMatrix {
  return { classCount, counts: new Float64Array(classCount * classCount) };
}

/**
 * Adds an image to the counts.
 *
 * @param predicted Class ids, as many as labels.
 * @param labels Class ids, 255 ignored.
 * @param mask Pixels to count: those that are not 0; all by default.
 * @throws {RangeError} If the lengths differ, or a value is no class id.
 */
export function addToConfusionMatrix(
  { classCount, counts }: ConfusionMatrix,
  predicted: ArrayLike<number>,
  labels: ArrayLike<number>,
  mask?: ArrayLike<number>,
): void {
  if (predicted.length !== labels.length) {
    throw new RangeError(
      `Cannot score ${predicted.length} predicted pixels against ${labels.length} labels: ` +
        "resize the prediction to the size of the label",
    );
  }
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] ?? IGNORE_INDEX;
    if (label === IGNORE_INDEX || mask?.[i] === 0) continue;
    const prediction = predicted[i] ?? IGNORE_INDEX;
    if (label >= classCount || prediction >= classCount || label < 0 || prediction < 0) {
      throw new RangeError(
        `Cannot score the label ${label} and the prediction ${prediction}: both must be in ` +
          `0 … ${classCount - 1} or the label ${IGNORE_INDEX}`,
      );
    }
    const at = label * classCount + prediction;
    counts[at] = (counts[at] ?? 0) + 1;
  }
}

/** The rows of a confusion matrix as plain numbers. [C][C] */
export function confusionRows({ classCount, counts }: ConfusionMatrix): number[][] {
  return Array.from(
    { length: classCount },
    (_, label) => [...counts.subarray(label * classCount, (label + 1) * classCount)],
  );
}

/** The pixels of every class, by class id. */
export interface PixelCounts {
  /** Predicted and true: the diagonal. */
  readonly intersection: readonly number[];
  /** Predicted, where there is a label: the sums of the columns. */
  readonly predicted: readonly number[];
  /** True: the sums of the rows. */
  readonly labeled: readonly number[];
}

/** The diagonal and the sums of a confusion matrix. */
export function pixelCountsOf(confusion: ConfusionMatrix): PixelCounts {
  const rows = confusionRows(confusion);
  return {
    intersection: rows.map((row, c) => row[c] ?? 0),
    predicted: rows.map((_, c) => sum(rows.map((row) => row[c] ?? 0))),
    labeled: rows.map(sum),
  };
}

/** Metrics in 0 … 1; NaN (null in JSON) where they would divide by 0. */
export interface SegmentationMetrics {
  /** Mean over the classes that are not NaN. */
  readonly mIoU: number;
  /** Mean over the classes that are not NaN. */
  readonly meanAccuracy: number;
  /** The share of labeled pixels that are right. */
  readonly pixelAccuracy: number;
  /** Σ L·IoU / Σ L over the classes with L > 0. */
  readonly frequencyWeightedIoU: number;
  /** In the order of class ids. */
  readonly classes: readonly ClassMetrics[];
}

/** The metrics of one class in 0 … 1. */
export interface ClassMetrics {
  /** I / (P + L − I); NaN if the class is neither predicted nor true. */
  readonly iou: number;
  /** I / L; NaN if it is nowhere true. */
  readonly accuracy: number;
  /** 2·I / (P + L); NaN if it is neither. */
  readonly dice: number;
}

/**
 * The metrics of everything counted so far.
 *
 * I, P, L are the pixels of a class that are predicted and true, predicted, and true, all
 * among the labeled ones.
 */
export function computeMetrics(confusion: ConfusionMatrix): SegmentationMetrics {
  const { intersection, predicted, labeled } = pixelCountsOf(confusion);
  const classes = intersection.map((I, c): ClassMetrics => {
    const P = predicted[c] ?? 0;
    const L = labeled[c] ?? 0;
    return { iou: I / (P + L - I), accuracy: I / L, dice: 2 * I / (P + L) };
  });
  const pixels = sum(labeled);
  const weighted = classes.map(({ iou }, c) => {
    const L = labeled[c] ?? 0;
    return L === 0 ? 0 : L * iou;
  });
  return {
    mIoU: nanMean(classes.map(({ iou }) => iou)),
    meanAccuracy: nanMean(classes.map(({ accuracy }) => accuracy)),
    pixelAccuracy: sum(intersection) / pixels,
    frequencyWeightedIoU: sum(weighted) / pixels,
    classes,
  };
}

/** The mean over the values that are not NaN; NaN if there is none. */
export function nanMean(values: readonly number[]): number {
  const present = values.filter((value) => !Number.isNaN(value));
  return sum(present) / present.length;
}

const sum = (values: readonly number[]) =>
  values.reduce((total, value) => total + value, 0);
