/**
 * How many pixels of each class each label has. Counted on first use and kept in a file,
 * because counting reads every label once.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import {
  access,
  constants,
  mkdir,
  readFile,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { join, resolve } from "node:path";
import { countLabel } from "./count_label.ts";
import type { DataSet } from "./data_set.ts";
import {
  countsFrom,
  countsOf,
  createCounts,
  type PixelCounts,
  totalsOf,
} from "./pixel_counts.ts";
import { reasonOf } from "./source/file_source.ts";

/** Pixels per class. Ignored pixels are not counted. */
export interface ClassStatistics {
  /** Of each label at its own size, in the order of the data set's names. */
  readonly counts: PixelCounts;
  /** Sums over all labels; index = class id. */
  readonly totals: readonly number[];
}

/** The file in which the PyTorch code keeps the same numbers. */
const FOREIGN_FILE = "sample_class_stats.json";

/** What the PyTorch code's converters append to a stem. */
const FOREIGN_SUFFIX = /(_gtFine)?_labelTrainIds$/;

/**
 * Gives the statistics of a labelled data set: from the cache if it was written for the
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
  count: CountLabels = countInTurn,
): Promise<ClassStatistics> {
  const place = cacheFolder === null ? null : await placeOf(dataSet, cacheFolder);
  const cached = place && await readCache(place, dataSet);
  if (cached) return withTotals(cached);
  // Before the work, not after it: a folder may be read-only.
  if (place !== null) await makeFolder(place.folder);
  const foreign = await readForeign(dataSet);
  const fits = foreign !== null && await isOfTheseLabels(foreign, dataSet);
  const counts = fits ? foreign : await count(dataSet);
  if (place !== null) await keep(place, counts);
  return withTotals(counts);
}

/** Gives the pixels per class id of every label of a data set, in order. */
export type CountLabels = (dataSet: DataSet) => Promise<PixelCounts>;

/**
 * Keeps statistics that were counted elsewhere, for {@linkcode classStatistics} to find.
 *
 * @param counts Of every label, in the order of the data set's names.
 */
export async function keepStatistics(
  dataSet: DataSet,
  cacheFolder: string,
  counts: PixelCounts,
): Promise<void> {
  const place = await placeOf(dataSet, cacheFolder);
  await makeFolder(place.folder);
  await keep(place, counts);
}

/** A file in the cache. */
interface Place {
  readonly folder: string;
  readonly file: string;
  /** Of the labels that were counted. */
  readonly key: string;
}

async function placeOf(dataSet: DataSet, folder: string): Promise<Place> {
  const { name } = dataSet;
  // The same folder has many paths; an address has one.
  const where = /^[a-z][a-z0-9+.-]+:\/\//i.test(name) ? name : resolve(name);
  const key = createHash("sha256").update(`${where}\n${await dataSet.fingerprint()}`)
    .digest("hex");
  return { folder, key, file: join(folder, `class_statistics_${key.slice(0, 16)}.json`) };
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (error) {
    const reason = reasonOf(error);
    throw new Error(
      `Cannot keep class statistics in "${folder}": ${reason}: name another folder with ` +
        "--cache DIR",
      { cause: error },
    );
  }
}

// The key stands for the names and the classes: counts in order are all there is to keep.
function keep({ file, key }: Place, { data }: PixelCounts): Promise<void> {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return writeAtomically(file, JSON.stringify({ key, counts: bytes.toString("base64") }));
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
export function parseStatistics(
  text: string,
  file: string,
  classes: number,
): Map<string, number[]> {
  let entries: unknown;
  try {
    entries = JSON.parse(text);
  } catch {
    throw unusable(file, "it is not JSON");
  }
  return statisticsOf(entries, file, classes);
}

const unusable = (file: string, reason: string) =>
  new SyntaxError(`Cannot read "${file}" as class statistics: ${reason}: delete it`);

function statisticsOf(
  entries: unknown,
  file: string,
  classes: number,
): Map<string, number[]> {
  const fail = (reason: string) => unusable(file, reason);
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

/** Adds up. */
export const withTotals = (counts: PixelCounts): ClassStatistics => ({
  counts,
  totals: totalsOf(counts),
});

async function countInTurn(dataSet: DataSet): Promise<PixelCounts> {
  const counts = createCounts(dataSet.names.length, dataSet.classes.length);
  for (const index of dataSet.names.keys()) {
    countsOf(counts, index).set(await countLabel(dataSet, index));
  }
  return counts;
}

// A damaged cache is as good as none: it is written anew.
async function readCache(
  { file, key }: Place,
  dataSet: DataSet,
): Promise<PixelCounts | null> {
  const text = await readFile(file, "utf8").catch(() => null);
  if (text === null) return null;
  try {
    const content: unknown = JSON.parse(text);
    if (typeof content !== "object" || content === null) return null;
    if (!("key" in content) || content.key !== key || !("counts" in content)) {
      return null;
    }
    const bytes = Buffer.from(String(content.counts), "base64");
    const counts = createCounts(dataSet.names.length, dataSet.classes.length);
    if (bytes.length !== counts.data.byteLength) return null;
    new Uint8Array(counts.data.buffer).set(bytes);
    return counts;
  } catch {
    return null;
  }
}

/**
 * Reads what the PyTorch code left in the data set's folder.
 *
 * @returns Null if there is no such file, or it does not cover the data set.
 */
export async function readForeign(dataSet: DataSet): Promise<PixelCounts | null> {
  const { folder, names, classes } = dataSet;
  if (folder === null) return null;
  const file = join(folder, FOREIGN_FILE);
  const text = await readFile(file, "utf8").catch(() => null);
  if (text === null) return null;
  const byStem = new Map<string, number[]>();
  try {
    for (const [path, pixels] of parseStatistics(text, file, classes.length)) {
      byStem.set(baseOf(path).replace(/\.png$/, "").replace(FOREIGN_SUFFIX, ""), pixels);
    }
  } catch {
    return null;
  }
  const found = names.map((name) => byStem.get(baseOf(name)));
  const all = found.filter((one) => one !== undefined);
  return all.length === names.length ? countsFrom(all, classes.length) : null;
}

// Written for other labels of the same names? One look tells.
async function isOfTheseLabels(
  counts: PixelCounts,
  dataSet: DataSet,
): Promise<boolean> {
  const own = await countLabel(dataSet, 0);
  return countsOf(counts, 0).every((pixels, id) => pixels === own[id]);
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

// A reader sees the whole file or none, also if two runs start at once.
async function writeAtomically(file: string, text: string): Promise<void> {
  const draft = `${file}.${crypto.randomUUID()}.tmp`;
  try {
    await writeFile(draft, text);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
