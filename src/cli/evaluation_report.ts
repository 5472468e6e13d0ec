/** The result of an evaluation for people, and as `--json` prints it. @module */
import { type ConfusionMatrix, confusionTable } from "./confusion_matrix.ts";
import { formatTable } from "./format_table.ts";
import type { Terminal } from "./terminal.ts";

/** What an evaluation found; figures in 0 … 1. */
export interface EvaluationReport extends EvaluationScores {
  readonly split: string;
  readonly images: number;
  /** What to know about the figures, a sentence each. */
  readonly notes?: readonly string[];
  /** Pixels by true class (outer) and predicted class (inner). [C][C] */
  readonly confusion: ConfusionMatrix["counts"];
}

/** The confusion matrix of a result, with the names of its classes. */
export function confusionMatrixOf(
  { classes, confusion }: EvaluationReport,
): ConfusionMatrix {
  return { classes: classes.map(({ name }) => name), counts: confusion };
}

/**
 * The table of a result, what it was measured on and, if wanted, the confusion matrix.
 *
 * @returns Lines, without a line break at the end.
 */
export function formatEvaluation(
  result: EvaluationReport,
  terminal: Pick<Terminal, "isOutTty" | "color">,
  includeConfusion: boolean,
): string {
  const isEmpty = result.confusion.every((row) => row.every((count) => count === 0));
  const remark = isEmpty ? ": no labeled pixels, so there are no scores" : "";
  return [
    iouTable(result, terminal),
    `${result.images} images of "${result.split}"${remark}`,
    ...(result.notes ?? []).map((note) => `note: ${note}`),
    ...(includeConfusion ? ["", confusionTable(confusionMatrixOf(result))] : []),
  ].join("\n");
}

/** What `--json` prints of a result; `confusion` are the counts, if wanted. */
export function evaluationToJson(
  { mIoU, meanAccuracy, pixelAccuracy, frequencyWeightedIoU, ...rest }: EvaluationReport,
  includeConfusion: boolean,
) {
  const { images, classes, subsets = [], trimap, notes, confusion } = rest;
  return {
    mIoU,
    meanAccuracy,
    pixelAccuracy,
    frequencyWeightedIoU,
    images,
    classes: classes.map(({ name, iou, accuracy }) => ({ name, iou, accuracy })),
    subsets,
    ...(trimap ? { trimap } : {}),
    ...(notes ? { notes } : {}),
    ...(includeConfusion ? { confusion } : {}),
  };
}

/** How well one class is found; figures in 0 … 1. */
export interface ClassScores {
  readonly name: string;
  /** Intersection over union; null: the class occurs neither in labels nor predictions. */
  readonly iou: number | null;
  /** Share of the class's pixels that are found; null: it occurs in no label. */
  readonly accuracy: number | null;
}

/** How well all classes are found; figures in 0 … 1. */
export interface MeanScores {
  readonly mIoU: number | null;
  /** Missing in results of earlier versions. */
  readonly meanAccuracy?: number | null;
  readonly pixelAccuracy: number | null;
  /** Missing in results of earlier versions. */
  readonly frequencyWeightedIoU?: number | null;
}

/** Everything that a table shows; figures in 0 … 1. */
export interface EvaluationScores extends MeanScores {
  readonly classes: readonly ClassScores[];
  /** Means over some of the classes. */
  readonly subsets?: readonly (Pick<MeanScores, "mIoU" | "meanAccuracy"> & {
    readonly name: string;
    readonly classes: readonly string[];
  })[];
  /** The means over the pixels near boundaries. */
  readonly trimap?: (MeanScores & { readonly pixels: number }) | null;
}

const formatPercent = (share: number | null = null) =>
  share === null || Number.isNaN(share) ? "–" : (100 * share).toFixed(2);

/** Lists of classes that are longer than this are counted instead. */
const MAX_SUBSET_NAME = 24;

/**
 * Lays out intersection over union and accuracy of each class and of all, in percent.
 *
 * @returns Lines, without a line break at the end.
 */
export function iouTable(
  { classes, subsets = [], trimap = null, ...all }: EvaluationScores,
  terminal: Pick<Terminal, "isOutTty" | "color">,
): string {
  const rowsOf = ({ mIoU, meanAccuracy, ...means }: MeanScores) => [
    ["mIoU, mean accuracy", formatPercent(mIoU), formatPercent(meanAccuracy)],
    [
      "weighted IoU, pixel accuracy",
      formatPercent(means.frequencyWeightedIoU),
      formatPercent(means.pixelAccuracy),
    ],
  ];
  const totals = [
    ...rowsOf(all),
    ...subsets.map(({ name, classes, mIoU, meanAccuracy }) => {
      const title = name.length > MAX_SUBSET_NAME ? `${classes.length} classes` : name;
      return [
        `${title}: mIoU, mean accuracy`,
        formatPercent(mIoU),
        formatPercent(meanAccuracy),
      ];
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
      ) => [name, formatPercent(iou), formatPercent(accuracy)]),
      ...totals,
    ],
    terminal,
    totals.length,
  );
}
