/**
 * How many pixels of each class each label has. Counted on first use and kept in a file,
 * because counting reads every label once.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { communicator } from "../core/ranks.ts";
import { cachedResult } from "../io/cached_result.ts";
import { fileReadError, isMissingPath } from "../io/file_errors.ts";
import {
  classTotals,
  countLabelPixels,
  createPixelCounts,
  labelCounts,
  type PixelCounts,
  pixelCountsFrom,
} from "./class_counts.ts";
import type { DataSet } from "./data_set.ts";
import { absoluteLocation } from "./source/open_source.ts";

/** Pixels per class. Ignored pixels are not counted. */
export interface ClassStatistics {
  /** Of each label at its own size, in the order of the data set's names. */
  readonly counts: PixelCounts;
  /** Sums over all labels; index = class id. */
  readonly totals: readonly number[];
}

/** Gives the pixels per class id of every label of a data set, in order. */
export type CountAllLabels = (dataSet: DataSet) => Promise<PixelCounts>;

/** The file in which the PyTorch code keeps the same numbers. */
const SAMPLE_CLASS_STATS_FILE = "sample_class_stats.json";

/** What the PyTorch code's converters append to a stem. */
const SAMPLE_CLASS_STATS_SUFFIX = /(_gtFine)?_labelTrainIds$/;

/**
 * Gives the statistics of a labeled data set: from the cache if it was written for the
 * same labels, else from a `sample_class_stats.json` in the data set's folder that covers
 * the set and agrees with its first label, else by counting.
 *
 * @param cacheFolder Where to keep the result; created if absent; null for no cache.
 * @param count Counts every label; by default one after the other.
 * @throws If a label cannot be read, or nothing can be written into the cache folder.
 */
export async function classStatistics(
  dataSet: DataSet,
  cacheFolder: string | null,
  count: CountAllLabels = countSequentially,
): Promise<ClassStatistics> {
  const counts = await cachedCounts(dataSet, cacheFolder, async () => {
    const existing = await readSampleClassStats(dataSet);
    const isValid = existing !== null && await matchesFirstLabel(existing, dataSet);
    return isValid ? existing : await count(dataSet);
  });
  return { counts, totals: classTotals(counts) };
}

/**
 * The statistics of labels that one of the ranks counts for all.
 *
 * @param count Called on rank 0 alone.
 */
export async function countOnRankZero(
  { names, classes }: DataSet,
  count: () => Promise<ClassStatistics>,
): Promise<ClassStatistics> {
  const ranks = communicator();
  if (ranks === null) return await count();
  const notYet = new Uint8Array();
  if (ranks.rank === 0) {
    const counting = count();
    const isDone = counting.then(() => true);
    const pause = () => setTimeout(SIGN_OF_LIFE_MS, false, { ref: false });
    while (!await Promise.race([isDone, pause()])) await ranks.broadcast(notYet);
    const statistics = await counting;
    await ranks.broadcast(Uint8Array.from(bytesOf(statistics.counts.data)));
    return statistics;
  }
  let counted = notYet;
  while (counted.length === 0) counted = await ranks.broadcast(null);
  const counts = createPixelCounts(names.length, classes.length);
  bytesOf(counts.data).set(counted);
  return { counts, totals: classTotals(counts) };
}

// Many labels take longer than ranks wait for one that is silent.
const SIGN_OF_LIFE_MS = 20_000;

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint32Array) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/**
 * Gives the statistics that an earlier call has kept.
 *
 * @returns Null if there are none for the same labels.
 */
export async function cachedStatistics(
  dataSet: DataSet,
  cacheFolder: string | null,
): Promise<ClassStatistics | null> {
  const isMissing = new Error();
  try {
    const counts = await cachedCounts(
      dataSet,
      cacheFolder,
      () => Promise.reject(isMissing),
    );
    return { counts, totals: classTotals(counts) };
  } catch (error) {
    if (error !== isMissing) throw error;
    return null;
  }
}

/**
 * Keeps counts that were made elsewhere, for {@linkcode classStatistics} to find.
 *
 * @param counts Of every label, in the order of the data set's names.
 */
export async function cacheStatistics(
  dataSet: DataSet,
  cacheFolder: string,
  counts: PixelCounts,
): Promise<void> {
  await cachedCounts(dataSet, cacheFolder, () => Promise.resolve(counts));
}

// The key stands for the names and the classes: the counts alone, in order, are kept.
async function cachedCounts(
  dataSet: DataSet,
  cacheFolder: string | null,
  make: () => Promise<PixelCounts>,
): Promise<PixelCounts> {
  if (cacheFolder === null) return await make();
  const { name, names, classes } = dataSet;
  const key = `${absoluteLocation(name)}\n${await dataSet.fingerprint()}`;
  const codec = {
    encode: ({ data: { buffer, byteOffset, byteLength } }: PixelCounts) =>
      Buffer.from(buffer, byteOffset, byteLength).toString("base64"),
    decode: (base64: string) => {
      const counts = createPixelCounts(names.length, classes.length);
      const bytes = Buffer.from(base64, "base64");
      if (bytes.length !== counts.data.byteLength) return null;
      new Uint8Array(counts.data.buffer).set(bytes);
      return counts;
    },
  };
  return (await cachedResult(cacheFolder, "class_statistics", key, make, codec)).value;
}

async function countSequentially(dataSet: DataSet): Promise<PixelCounts> {
  const counts = createPixelCounts(dataSet.names.length, dataSet.classes.length);
  for (const index of dataSet.names.keys()) {
    labelCounts(counts, index).set(await countLabelPixels(dataSet, index));
  }
  return counts;
}

/**
 * Reads what the PyTorch code left in the data set's folder.
 *
 * @returns Null if there is no such file, it has another form, or it does not cover the
 * data set.
 * @throws {Error} If the file may not be read.
 */
export async function readSampleClassStats(
  { statisticsFolder, names, classes }: DataSet,
): Promise<PixelCounts | null> {
  if (statisticsFolder === null) return null;
  const file = join(statisticsFolder, SAMPLE_CLASS_STATS_FILE);
  const text = await readFile(file, "utf8").catch((error) => {
    if (isMissingPath(error)) return null;
    throw fileReadError(file, error);
  });
  if (text === null) return null;
  let byFile: Map<string, number[]>;
  try {
    byFile = parseSampleClassStats(text, file, classes.length);
  } catch {
    return null;
  }
  const byStem = new Map(
    [...byFile].map(([path, pixels]) => [
      baseName(path).replace(/\.png$/, "").replace(SAMPLE_CLASS_STATS_SUFFIX, ""),
      pixels,
    ]),
  );
  const found = names.map((name) => byStem.get(baseName(name)));
  const complete = found.filter((one) => one !== undefined);
  return complete.length === names.length
    ? pixelCountsFrom(complete, classes.length)
    : null;
}

/**
 * Reads the PyTorch code's `sample_class_stats.json`: an array with an object per label,
 * `{"file": path, "0": pixels, "13": pixels}`, absent classes left out.
 *
 * @param text The file's text.
 * @param file Its name, for messages.
 * @param classes How many classes there are.
 * @returns Pixels per class id, by "file".
 * @throws {SyntaxError} If the text has another form.
 */
export function parseSampleClassStats(
  text: string,
  file: string,
  classes: number,
): Map<string, number[]> {
  const fail = (reason: string) =>
    new SyntaxError(`Cannot read "${file}" as class statistics: ${reason}: delete it`);
  let entries: unknown;
  try {
    entries = JSON.parse(text);
  } catch {
    throw fail("it is not JSON");
  }
  if (!Array.isArray(entries)) throw fail("it is not an array");
  const byFile = new Map<string, number[]>();
  for (const entry of entries) {
    if (typeof entry !== "object" || entry === null || !("file" in entry)) {
      throw fail('an entry has no "file"');
    }
    const pixels = new Array<number>(classes).fill(0);
    for (const [id, count] of Object.entries(entry)) {
      if (id === "file") continue;
      const known = /^\d+$/.test(id) && Number(id) < classes;
      if (!known || typeof count !== "number" || !Number.isInteger(count) || count < 0) {
        throw fail(`"${entry.file}" has ${count} pixels of class "${id}" of ${classes}`);
      }
      pixels[Number(id)] = count;
    }
    byFile.set(String(entry.file), pixels);
  }
  return byFile;
}

// The file may be of other labels with the same names: comparing one label shows it.
async function matchesFirstLabel(
  counts: PixelCounts,
  dataSet: DataSet,
): Promise<boolean> {
  const counted = await countLabelPixels(dataSet, 0);
  return labelCounts(counts, 0).every((pixels, id) => pixels === counted[id]);
}

const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
