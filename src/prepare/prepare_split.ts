/** What is known of a split after its preparation. @module */
import { cacheStatistics, readSampleClassStats } from "../data/class_statistics.ts";
import {
  type DataSetFiles,
  type DataSetListing,
  fileDataSet,
  filesFingerprint,
  unpackedFiles,
} from "../data/file_data_set.ts";
import type { FileDataSpec } from "../data/data_spec.ts";
import { absentClassNotes } from "../data/label_notes.ts";
import { hasClassIds, labelIdsOf, listDataSetFiles } from "../data/open_data_set.ts";
import type { FileCheck } from "../data/scan_job.ts";
import {
  createPixelCounts,
  labelCounts,
  type PixelCounts,
} from "../data/class_counts.ts";
import { type Normalization, RGB_FORMAT } from "../core/host_batch.ts";
import {
  addChannelSums,
  channelStatistics,
  type ChannelSums,
} from "../data/channel_sums.ts";
import { scanEach } from "../data/scan.ts";
import { absoluteLocation } from "../data/source/open_source.ts";
import { displayNote } from "../formats/display_rgb.ts";
import { cachedResult } from "../io/cached_result.ts";
import { type SplitToPrepare, UNNAMED_CLASSES } from "./splits_to_prepare.ts";

/** What was found about a split. */
export interface PreparedSplit {
  /** For tables. */
  readonly name: string;
  /** Where its pictures are; null: not found, or drawn. */
  readonly folder: string | null;
  /** Those that can be used. */
  readonly pictures: number;
  /** How many its authors published; null: not known. */
  readonly publishedCount: number | null;
  /** Whether it is used with labels. */
  readonly labeled: boolean;
  /** Of the pictures, the most frequent first. */
  readonly sizes: readonly ImageSizeCount[];
  /** In the order of their ids; null without labels. */
  readonly classes: readonly ClassPixelCount[] | null;
  /** Of the pixels of all pictures; left out for RGB of 8 bits, which has a default. */
  readonly normalization?: Normalization;
  /** Whether an earlier call has checked the same files. */
  readonly isCached: boolean;
  /** What to know, a sentence each. */
  readonly notes: readonly string[];
  /** What to mend, a sentence each. */
  readonly problems: readonly string[];
}

/** A split whose files were found. */
export interface OpenSplit {
  readonly split: SplitToPrepare;
  readonly set: DataSetFiles;
  /** Changes whenever one of its files may have changed. */
  readonly fingerprint: string;
}

/**
 * Checks a split. What is wrong with its files is reported, not thrown.
 *
 * @returns What was found, and the pictures that can be used; null: nothing is there.
 * @throws If the cache cannot be written, or the signal is aborted.
 */
export async function prepareSplit(
  split: SplitToPrepare,
  options: Omit<CheckOptions, "cachesStatistics">,
): Promise<{ found: PreparedSplit; open: OpenSplit | null }> {
  const { name, spec, absentNote, publishedCount } = split;
  const emptyResult: PreparedSplit = {
    name,
    folder: null,
    pictures: 0,
    publishedCount,
    labeled: spec.labeled,
    sizes: [],
    classes: null,
    isCached: false,
    notes: [],
    problems: [],
  };
  if (spec.kind === "embedded") {
    const notes = [
      "the scenes are rendered on demand: there is nothing to check",
    ];
    return { found: { ...emptyResult, pictures: spec.images, notes }, open: null };
  }
  let inventory: DataSetListing;
  try {
    inventory = await listDataSetFiles(spec);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const result = absentNote === null
      ? { ...emptyResult, problems: [error.message] }
      : { ...emptyResult, notes: [absentNote] };
    return { found: result, open: null };
  }
  const { usable, missingLabels, orphanLabels, missingImages, address } = inventory;
  if (absentNote !== null && usable.samples.length === 0) {
    return { found: { ...emptyResult, notes: [absentNote] }, open: null };
  }
  const hasClassNames = usable.classes !== UNNAMED_CLASSES;
  const { contents, fingerprint, isCached } = await checkSplit(spec, inventory, {
    ...options,
    cachesStatistics: hasClassNames,
  });
  const { sizes, classes, normalization } = contents;
  const result: PreparedSplit = {
    ...emptyResult,
    folder: address,
    pictures: usable.samples.length,
    sizes,
    ...(normalization && { normalization }),
    classes: classes &&
      (hasClassNames ? classes : classes.filter(({ pixels }) => pixels > 0)),
    isCached,
    notes: [
      ...notesOf(split, inventory, contents, hasClassNames),
      ...await labelNotes(split, inventory, contents, hasClassNames),
    ],
    problems: [
      ...missingLabels.map((file) => `The label "${file}" is missing`),
      ...missingImages.map((one) =>
        `The picture "${one}" of "${name}" is not in "${address}"`
      ),
      ...orphanLabels.map((file) => `The label "${file}" has no image`),
      ...inventory.problems,
      ...inventory.faults ?? [],
      ...contents.problems,
    ],
  };
  return { found: result, open: { split, set: usable, fingerprint } };
}

function notesOf(
  { name, publishedCount }: SplitToPrepare,
  { usable, foundCount }: DataSetListing,
  { agreesWithPyTorch, turnedCount }: SplitContents,
  hasNames: boolean,
): string[] {
  const notes = [...usable.notes ?? []];
  const shown = displayNote(usable.pixelFormat ?? RGB_FORMAT);
  if (shown !== null) notes.push(shown);
  if (turnedCount > 0) {
    notes.push(
      `${turnedCount} pictures of "${name}" are turned by their EXIF orientation, and labels ` +
        "are read as they are stored: look at both with --picture",
    );
  }
  if (publishedCount !== null && foundCount !== publishedCount) {
    notes.push(
      `${foundCount} pictures of "${name}" are there; ${publishedCount} were published`,
    );
  }
  if (agreesWithPyTorch === true) {
    notes.push('"sample_class_stats.json" agrees with the labels');
  }
  if (agreesWithPyTorch === false) {
    notes.push(
      '"sample_class_stats.json" does not agree with the labels: it is not used',
    );
  }
  if (!hasNames) {
    notes.push("classes have no names here: prepare a configuration to keep statistics");
  }
  return notes;
}

// Nothing is said of labels that cannot be read: their problems are.
async function labelNotes(
  { name: part, spec }: SplitToPrepare,
  { usable, labelsInstead }: DataSetListing,
  { classes, problems }: SplitContents,
  hasNames: boolean,
): Promise<string[]> {
  const instead = labelsInstead === null ? [] : [labelsInstead];
  if (classes === null || problems.length > 0) return instead;
  const totals = classes.map(({ pixels }) => pixels);
  // Without names it is not known which classes there should be, but more than one.
  const isOneAlone = totals.every((total, id) => id === 0 || total === 0);
  if (!hasNames && !isOneAlone) return instead;
  const dataSet = fileDataSet(usable);
  const expected = hasNames ? dataSet.classes : dataSet.classes.slice(0, 2);
  const counted = {
    part,
    totals,
    labels: usable.samples.length,
    hasClassIds: hasClassIds(spec),
    labelIds: labelIdsOf(spec),
  };
  const notes = await absentClassNotes({ ...dataSet, classes: expected }, counted);
  return [...instead, ...notes];
}

/** How many pictures have a size, in pixels. */
export interface ImageSizeCount {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** How many pictures have it. */
  readonly pictures: number;
}

/** How much there is of a class. */
export interface ClassPixelCount {
  /** Of the class. */
  readonly name: string;
  /** Of all labels together. */
  readonly pixels: number;
  /** How many pictures have any of it. */
  readonly pictures: number;
}

/** What the files of a split hold. */
export interface SplitContents {
  /** The most frequent first. */
  readonly sizes: readonly ImageSizeCount[];
  /** In the order of their ids; null without labels. */
  readonly classes: readonly ClassPixelCount[] | null;
  /** Of the pixels of all pictures that can be read; null for RGB of 8 bits. */
  readonly normalization: Normalization | null;
  /** Labeled pictures that their EXIF orientation turns. */
  readonly turnedCount: number;
  /** Whether a `sample_class_stats.json` of the PyTorch code agrees; null: there is none. */
  readonly agreesWithPyTorch: boolean | null;
  /** What is wrong with single files, a sentence each. */
  readonly problems: readonly string[];
}

/** How a check is made. */
export interface CheckOptions {
  /** Where results are kept; null for nowhere. */
  readonly cacheFolder: string | null;
  /** Whether class statistics are kept for training. */
  readonly cachesStatistics: boolean;
  /** Threads. */
  readonly workers: number;
  readonly progress: (done: number, of: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What a split holds. */
export interface CheckedSplit {
  readonly contents: SplitContents;
  /** Changes whenever one of its files may have changed. */
  readonly fingerprint: string;
  /** Whether the files were checked by an earlier call and are as they were. */
  readonly isCached: boolean;
}

/** Checks are made anew after a change of what they look for. */
const CHECK_VERSION = 4;

/**
 * Checks every file, or takes the cached result of an earlier check.
 *
 * @throws If the cache cannot be written, or the signal is aborted.
 */
export async function checkSplit(
  spec: FileDataSpec,
  inventory: DataSetListing,
  options: CheckOptions,
): Promise<CheckedSplit> {
  const { cacheFolder, cachesStatistics } = options;
  const { usable } = inventory;
  const files = await filesFingerprint(usable, "all");
  const fingerprint = JSON.stringify([
    CHECK_VERSION,
    absoluteLocation(usable.name),
    usable.labeled,
    cachesStatistics,
    usable.pixelFormat ?? RGB_FORMAT,
    files,
  ]);
  const { value: contents, isCached } = await cachedResult(
    cacheFolder,
    "preparation",
    fingerprint,
    () => inspectFiles(spec, inventory, options),
  );
  return { contents, fingerprint, isCached };
}

async function inspectFiles(
  spec: FileDataSpec,
  { usable }: DataSetListing,
  { cacheFolder, cachesStatistics, workers, progress, signal }: CheckOptions,
): Promise<SplitContents> {
  const pairCount = usable.samples.length;
  const counts = createPixelCounts(pairCount, usable.classes.length);
  const problems: (readonly string[])[] = [];
  const sizes = new Map<string, ImageSizeCount>();
  let [counted, turnedCount] = [0, 0];
  const sums: ChannelSums[] = [];
  const addFinding = (finding: FileCheck, index: number) => {
    addSize(sizes, finding);
    if (finding.channelSums !== null) sums[index] = finding.channelSums;
    if (finding.problems.length > 0) problems[index] = finding.problems;
    if (finding.isTurned) turnedCount++;
    if (finding.classPixels === null) return;
    counted++;
    labelCounts(counts, index).set(finding.classPixels);
  };
  await scanEach({ kind: "check", spec }, pairCount, addFinding, {
    unpacked: unpackedFiles(usable),
    workers,
    progress,
    signal,
  });
  let agreesWithPyTorch: boolean | null = null;
  if (usable.labeled && counted === pairCount && pairCount > 0) {
    const dataSet = fileDataSet(usable);
    if (cachesStatistics && cacheFolder !== null) {
      await cacheStatistics(dataSet, cacheFolder, counts);
    }
    const pyTorchCounts = await readSampleClassStats(dataSet);
    agreesWithPyTorch = pyTorchCounts &&
      pyTorchCounts.data.every((count, i) => count === counts.data[i]);
  }
  return {
    // Threads tell of pictures in any order: of equals, the smaller size comes first.
    sizes: [...sizes.values()].sort((a, b) =>
      b.pictures - a.pictures || a.width - b.width || a.height - b.height
    ),
    classes: usable.labeled
      ? usable.classes.map(({ name }, id) => ({ name, ...classPixels(counts, id) }))
      : null,
    // In the order of the pictures, whichever thread was first: rounding depends on it.
    normalization: statisticsOf(sums),
    turnedCount,
    agreesWithPyTorch,
    problems: problems.flat(),
  };
}

function statisticsOf(sums: readonly ChannelSums[]): Normalization | null {
  const total = sums.reduce<ChannelSums | null>(addChannelSums, null);
  return total && channelStatistics(total);
}

function classPixels({ data, classCount }: PixelCounts, id: number) {
  let [sum, pictures] = [0, 0];
  for (let at = id; at < data.length; at += classCount) {
    const count = data[at] ?? 0;
    sum += count;
    if (count > 0) pictures++;
  }
  return { pixels: sum, pictures };
}

function addSize(sizes: Map<string, ImageSizeCount>, { width, height }: FileCheck): void {
  if (width === null || height === null) return;
  const key = `${width}×${height}`;
  const pictures = (sizes.get(key)?.pictures ?? 0) + 1;
  sizes.set(key, { width, height, pictures });
}
