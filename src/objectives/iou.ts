/**
 * How well predicted label maps agree with the truth.
 *
 * Source: the metrics of mmsegmentation; the frequency-weighted IoU is that of Long et al.,
 * "Fully Convolutional Networks" (CVPR 2015), https://arxiv.org/abs/1411.4038, section 5.
 *
 * @module
 */
import { classCountsOf, type ConfusionMatrix } from "./confusion.ts";

/** Figures in 0 … 1; NaN (null in JSON) where there is nothing to divide by. */
export interface Scores {
  /** Mean over the classes that are not NaN. */
  readonly mIoU: number;
  /** Mean over the classes that are not NaN. */
  readonly meanAccuracy: number;
  /** The share of labelled pixels that are right. */
  readonly pixelAccuracy: number;
  /** Σ L·IoU / Σ L over the classes that are somewhere true. */
  readonly frequencyWeightedIoU: number;
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

/**
 * The figures for everything counted so far.
 *
 * I, P, L are the pixels of a class that are predicted and true, predicted, and true, all
 * among the labelled ones.
 */
export function scoresOf(confusion: ConfusionMatrix): Scores {
  const { intersection, predicted, labelled } = classCountsOf(confusion);
  const classes = Array.from(intersection, (I, c): ClassScores => {
    const P = predicted[c] ?? 0;
    const L = labelled[c] ?? 0;
    return { iou: I / (P + L - I), accuracy: I / L, dice: 2 * I / (P + L) };
  });
  const pixels = sum(labelled);
  const weighted = classes.map(({ iou }, c) => {
    const L = labelled[c] ?? 0;
    return L === 0 ? 0 : L * iou;
  });
  return {
    mIoU: meanOfPresent(classes.map(({ iou }) => iou)),
    meanAccuracy: meanOfPresent(classes.map(({ accuracy }) => accuracy)),
    pixelAccuracy: sum(intersection) / pixels,
    frequencyWeightedIoU: sum(weighted) / pixels,
    classes,
  };
}

/** The mean over the values that are not NaN; NaN if there is none. */
export function meanOfPresent(values: readonly number[]): number {
  const present = values.filter((value) => !Number.isNaN(value));
  return sum(present) / present.length;
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
