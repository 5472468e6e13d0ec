/** What the labels of a data set look like as a whole, before anything learns from them. @module */

import { IGNORE_INDEX } from "../core/host_batch.ts";
import { classHistogram } from "./class_counts.ts";
import type { DataSet } from "./data_set.ts";
import { offsetLabelMap } from "./decode_label.ts";
import { evenlySpacedIndices } from "./evenly_spaced.ts";

/** What was counted in labels. */
export interface CountedLabels {
  /** What the data set is called, for messages. */
  readonly part: string;
  /** Pixels per class id. */
  readonly totals: readonly number[];
  /** Labels that were counted. */
  readonly labels: number;
  /** Whether values are class ids, so that a label map could be what is missing. */
  readonly hasClassIds: boolean;
  /** The value of each class, where that is known not to be its id. */
  readonly labelIds: readonly number[] | null;
}

/** Labels in which ignored pixels are looked for. */
const MAX_READ = 8;

/** Classes that a sentence names. */
const MAX_NAMED = 5;

/**
 * Says which classes do not occur, and why that may be.
 *
 * @param dataSet With labels, some of which are read where a single class occurs.
 * @returns A sentence, or none.
 */
export async function absentClassNotes(
  dataSet: DataSet,
  { part, totals, labels, hasClassIds, labelIds }: CountedLabels,
): Promise<string[]> {
  const { names, classes } = dataSet;
  const absent = classes.filter((_, id) => (totals[id] ?? 0) === 0);
  if (absent.length === 0 || labels === 0) return [];
  const place = labels < names.length
    ? `${labels} labels of "${part}" that were looked at, of ${names.length}`
    : `${labels} labels of "${part}"`;
  if (absent.length === classes.length) {
    return [`the ${place} have no pixel of any class: all are ignored (${IGNORE_INDEX})`];
  }
  const shown = absent.slice(0, MAX_NAMED).map(({ name }) => `"${name}"`).join(", ");
  const more = absent.length - MAX_NAMED;
  const note = `no pixel of ${shown}${more > 0 ? ` and ${more} other classes` : ""} in ` +
    `the ${place}`;
  const isFirstAlone = absent.length === classes.length - 1 && (totals[0] ?? 0) > 0;
  if (isFirstAlone && await hasIgnoredPixels(dataSet)) {
    const cure = hasClassIds && classes.length === 2
      ? `; if ${IGNORE_INDEX} stands for "${classes[1]?.name}", set "labelMap": ` +
        `{0: 0, ${IGNORE_INDEX}: 1}`
      : "";
    return [
      `${note}: they hold the values 0 and ${IGNORE_INDEX} alone, and ` +
      `${IGNORE_INDEX} is ignored${cure}`,
    ];
  }
  if (hasClassIds && (totals[0] ?? 0) === 0) {
    return [
      `${note}: the value 0 never occurs; if values are 1 … ${classes.length}, set ` +
      offsetLabelMap(classes.length),
    ];
  }
  const couldBeClassIds = labelIds !== null &&
    totals.every((total, id) => total === 0 || (labelIds[id] ?? 0) < classes.length);
  return couldBeClassIds
    ? [
      `${note}: no class occurs whose value is above ${
        classes.length - 1
      }, as if values ` +
      "were train ids and no label ids: restore the downloaded labels",
    ]
    : [note];
}

async function hasIgnoredPixels(dataSet: DataSet): Promise<boolean> {
  for (const index of evenlySpacedIndices(dataSet.names.length, MAX_READ)) {
    const { data, width, height } = await dataSet.readLabel(index);
    const window = { top: 0, left: 0, width, height };
    if ((classHistogram(data, width, window)[IGNORE_INDEX] ?? 0) > 0) return true;
  }
  return false;
}
