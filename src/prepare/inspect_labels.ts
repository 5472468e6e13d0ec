/** A look at the labels of a run before it starts. @module */

import { classTotals, countLabelPixels, pixelCountsFrom } from "../data/class_counts.ts";
import { cachedStatistics, classStatistics } from "../data/class_statistics.ts";
import type { DataSet } from "../data/data_set.ts";
import type { DataSpec } from "../data/data_spec.ts";
import { evenlySpacedIndices } from "../data/evenly_spaced.ts";
import { absentClassNotes } from "../data/label_notes.ts";
import { hasClassIds, labelIdsOf } from "../data/open_data_set.ts";
import { hardwareThreads, scanClassCounts } from "../data/scan.ts";
import { isAddress } from "../io/http.ts";

/** All labels of a set of this size are counted: that takes seconds, and is kept. */
const MAX_COUNTED = 1000;

/** Of a larger set that `prepare` has not counted, so many are looked at. */
const MAX_SAMPLED = 200;

/** Of one on a server. */
const MAX_FETCHED = 10;

/** Pictures whose EXIF is looked at: a camera's are mostly turned alike. */
const MAX_PICTURES = 8;

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
  return [
    ...await countedNotes(part, spec, dataSet, cacheFolder, workers),
    ...await turnedNotes(part, dataSet),
  ];
}

async function countedNotes(
  part: string,
  spec: Exclude<DataSpec, { kind: "embedded" }>,
  dataSet: DataSet,
  cacheFolder: string,
  workers: number,
): Promise<string[]> {
  const isRemote = isAddress(spec.root);
  const count = dataSet.names.length;
  const known = await cachedStatistics(dataSet, cacheFolder) ??
    (count > MAX_COUNTED || isRemote ? null : await classStatistics(
      dataSet,
      cacheFolder,
      (set) =>
        scanClassCounts(spec, set, { workers: workers === 0 ? 0 : hardwareThreads() }),
    ));
  const meaning = { hasClassIds: hasClassIds(spec), labelIds: labelIdsOf(spec) };
  if (known !== null) {
    const counted = { part, totals: known.totals, labels: count, ...meaning };
    return await absentClassNotes(dataSet, counted);
  }
  const counts: number[][] = [];
  for (const index of evenlySpacedIndices(count, isRemote ? MAX_FETCHED : MAX_SAMPLED)) {
    counts.push(await countLabelPixels(dataSet, index));
  }
  const totals = classTotals(pixelCountsFrom(counts, dataSet.classes.length));
  return await absentClassNotes(dataSet, {
    part,
    totals,
    labels: counts.length,
    ...meaning,
  });
}

async function turnedNotes(part: string, dataSet: DataSet): Promise<string[]> {
  const looked = evenlySpacedIndices(dataSet.names.length, MAX_PICTURES);
  let turned = 0;
  for (const index of looked) {
    const { orientation } = await dataSet.read(index);
    if (orientation !== undefined) turned++;
  }
  return turned === 0 ? [] : [
    `${turned} of the ${looked.length} pictures of "${part}" that were looked at are turned by ` +
    "their EXIF orientation, and labels are read as they are stored: look at both with " +
    '"deno task prepare … --picture"',
  ];
}
