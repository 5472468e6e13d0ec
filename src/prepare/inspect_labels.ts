/** A look at the labels of a run before it starts. @module */

import { classTotals, countLabelPixels, pixelCountsFrom } from "../data/class_counts.ts";
import { cachedStatistics, classStatistics } from "../data/class_statistics.ts";
import type { DataSet } from "../data/data_set.ts";
import type { DataSpec } from "../data/data_spec.ts";
import { evenlySpacedIndices } from "../data/evenly_spaced.ts";
import { absentClassNotes } from "../data/label_notes.ts";
import { hasClassIds } from "../data/open_data_set.ts";
import { hardwareThreads, scanClassCounts } from "../data/scan.ts";
import { isAddress } from "../io/http.ts";

/** All labels of a set of this size are counted: that takes seconds, and is kept. */
const MAX_COUNTED = 1000;

/** Of a larger set that `prepare` has not counted, so many are looked at. */
const MAX_SAMPLED = 200;

/** Of one on a server. */
const MAX_FETCHED = 10;

/**
 * Looks at the labels of a data set in files: at all of them where there are few or
 * `prepare` has counted them, else at some that are evenly spread.
 *
 * @param part What it is called, for messages.
 * @param workers Threads; 0: this one.
 * @returns What a user should know, a sentence each.
 * @throws If a label cannot be used; the message names it.
 */
export async function inspectLabels(
  part: string,
  spec: DataSpec,
  dataSet: DataSet,
  cacheFolder: string,
  workers: number,
): Promise<string[]> {
  if (spec.kind === "embedded") return [];
  const isRemote = isAddress(spec.root);
  const count = dataSet.names.length;
  const known = await cachedStatistics(dataSet, cacheFolder) ??
    (count > MAX_COUNTED || isRemote ? null : await classStatistics(
      dataSet,
      cacheFolder,
      (set) =>
        scanClassCounts(spec, set, { workers: workers === 0 ? 0 : hardwareThreads() }),
    ));
  const ids = hasClassIds(spec);
  if (known !== null) {
    const counted = { part, totals: known.totals, labels: count, hasClassIds: ids };
    return await absentClassNotes(dataSet, counted);
  }
  const counts: number[][] = [];
  for (const index of evenlySpacedIndices(count, isRemote ? MAX_FETCHED : MAX_SAMPLED)) {
    counts.push(await countLabelPixels(dataSet, index));
  }
  const totals = classTotals(pixelCountsFrom(counts, dataSet.classes.length));
  const counted = { part, totals, labels: counts.length, hasClassIds: ids };
  return await absentClassNotes(dataSet, counted);
}
