/** The result of an evaluation as a table. @module */

import { formatTable } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** How well one class is found; figures in 0 … 1. */
export interface ClassScore {
  readonly name: string;
  /** Intersection over union; null: the class occurs neither in labels nor predictions. */
  readonly iou: number | null;
  /** Share of the class's pixels that are found; null: it occurs in no label. */
  readonly accuracy: number | null;
}

/** How well all classes are found; figures in 0 … 1. */
export interface Score {
  readonly mIoU: number | null;
  readonly pixelAccuracy: number | null;
  readonly classes: readonly ClassScore[];
}

const percent = (share: number | null) =>
  share === null || Number.isNaN(share) ? "–" : (100 * share).toFixed(2);

/**
 * Lays out intersection over union and accuracy of each class and of all, in percent.
 *
 * @returns Lines, without a line break at the end.
 */
export function iouTable(
  { mIoU, pixelAccuracy, classes }: Score,
  terminal: Pick<Terminal, "outIsTerminal" | "color">,
): string {
  return formatTable(
    [
      { title: "class", align: "left" },
      { title: "IoU %", align: "right" },
      { title: "accuracy %", align: "right" },
    ],
    [
      ...classes.map((
        { name, iou, accuracy },
      ) => [name, percent(iou), percent(accuracy)]),
      ["mIoU, pixel accuracy", percent(mIoU), percent(pixelAccuracy)],
    ],
    terminal,
    1,
  );
}
