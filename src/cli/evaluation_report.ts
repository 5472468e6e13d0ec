/** The result of an evaluation for people, and as `--json` prints it. @module */

import { type Confusion, confusionTable } from "./confusion.ts";
import { iouTable, type Score } from "./iou_table.ts";
import type { Terminal } from "./terminal.ts";

/** What an evaluation found; figures in 0 … 1. */
export interface Evaluated extends Score {
  readonly split: string;
  readonly images: number;
  /** Pixels by true class (outer) and predicted class (inner). [C][C] */
  readonly confusion: Confusion["counts"];
}

/** The confusion matrix of a result, with the names of its classes. */
export function confusionOf({ classes, confusion }: Evaluated): Confusion {
  return { classes: classes.map(({ name }) => name), counts: confusion };
}

/**
 * The table of a result, what it was measured on and, if wanted, the confusion matrix.
 *
 * @returns Lines, without a line break at the end.
 */
export function evaluationText(
  result: Evaluated,
  terminal: Pick<Terminal, "outIsTerminal" | "color">,
  hasMatrix: boolean,
): string {
  const isEmpty = result.confusion.every((row) => row.every((count) => count === 0));
  const remark = isEmpty
    ? ": none of their pixels has a label, so there is no figure"
    : "";
  return [
    iouTable(result, terminal),
    `${result.images} images of "${result.split}"${remark}`,
    ...(hasMatrix ? ["", confusionTable(confusionOf(result))] : []),
  ].join("\n");
}

/** What `--json` prints of a result; `confusion` are the counts, if wanted. */
export function evaluationJson(
  { mIoU, meanAccuracy, pixelAccuracy, frequencyWeightedIoU, ...rest }: Evaluated,
  hasMatrix: boolean,
) {
  const { images, classes, subsets = [], trimap, confusion } = rest;
  return {
    mIoU,
    meanAccuracy,
    pixelAccuracy,
    frequencyWeightedIoU,
    images,
    classes: classes.map(({ name, iou, accuracy }) => ({ name, iou, accuracy })),
    subsets,
    ...(trimap ? { trimap } : {}),
    ...(hasMatrix ? { confusion } : {}),
  };
}
