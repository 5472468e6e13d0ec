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
export interface Means {
  readonly mIoU: number | null;
  /** Missing in results of earlier versions. */
  readonly meanAccuracy?: number | null;
  readonly pixelAccuracy: number | null;
  /** Missing in results of earlier versions. */
  readonly frequencyWeightedIoU?: number | null;
}

/** Everything that a table shows; figures in 0 … 1. */
export interface Score extends Means {
  readonly classes: readonly ClassScore[];
  /** Means over some of the classes. */
  readonly subsets?: readonly (Pick<Means, "mIoU" | "meanAccuracy"> & {
    readonly name: string;
    readonly classes: readonly string[];
  })[];
  /** The means over the pixels near boundaries. */
  readonly trimap?: (Means & { readonly pixels: number }) | null;
}

const percent = (share: number | null = null) =>
  share === null || Number.isNaN(share) ? "–" : (100 * share).toFixed(2);

/** Lists of classes that are longer than this are counted instead. */
const LEGIBLE = 24;

/**
 * Lays out intersection over union and accuracy of each class and of all, in percent.
 *
 * @returns Lines, without a line break at the end.
 */
export function iouTable(
  { classes, subsets = [], trimap = null, ...all }: Score,
  terminal: Pick<Terminal, "outIsTerminal" | "color">,
): string {
  const rowsOf = ({ mIoU, meanAccuracy, ...means }: Means) => [
    ["mIoU, mean accuracy", percent(mIoU), percent(meanAccuracy)],
    [
      "weighted IoU, pixel accuracy",
      percent(means.frequencyWeightedIoU),
      percent(means.pixelAccuracy),
    ],
  ];
  const totals = [
    ...rowsOf(all),
    ...subsets.map(({ name, classes, mIoU, meanAccuracy }) => {
      const title = name.length > LEGIBLE ? `${classes.length} classes` : name;
      return [`${title}: mIoU, mean accuracy`, percent(mIoU), percent(meanAccuracy)];
    }),
    ...(trimap === null ? [] : rowsOf(trimap).map(([title = "", ...figures]) => [
      `trimap ${trimap.pixels}: ${title}`,
      ...figures,
    ])),
  ];
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
      ...totals,
    ],
    terminal,
    totals.length,
  );
}
