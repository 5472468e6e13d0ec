/**
 * How many pixels of each class each label has. Counted on first use and kept in a file,
 * because counting reads every label once.
 *
 * @module
 */

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
import { reasonOf } from "./source/file_source.ts";

/** Pixels per class. Ignored pixels are not counted. */
export interface ClassStatistics {
  /** In the order of the data set's names. */
  readonly samples: readonly SampleStatistics[];
  /** Sums over all samples; index = class id. */
  readonly totals: readonly number[];
}

/** One label's pixels per class. */
export interface SampleStatistics {
  readonly name: string;
  /** Index = class id, at the label's own size. */
  readonly pixels: readonly number[];
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
  const { classes, names } = dataSet;
  const place = cacheFolder === null ? null : await placeOf(dataSet, cacheFolder);
  const cached = place && await readCache(place, dataSet);
  if (cached) return cached;
  // Before the work, not after it: a folder may be read-only.
  if (place !== null) await makeFolder(place.folder);
  const foreign = await readForeign(dataSet);
  const fits = foreign !== null && await isOfTheseLabels(foreign, dataSet);
  const samples = fits ? foreign : named(names, await count(dataSet));
  if (place !== null) await keep(place, samples);
  return withTotals(samples, classes.length);
}

/** Gives the pixels per class id of every label of a data set, in order. */
export type CountLabels = (dataSet: DataSet) => Promise<readonly (readonly number[])[]>;

/**
 * Keeps statistics that were counted elsewhere, for {@linkcode classStatistics} to find.
 *
 * @param pixels Of every label, in the order of the data set's names.
 */
export async function keepStatistics(
  dataSet: DataSet,
  cacheFolder: string,
  pixels: readonly (readonly number[])[],
): Promise<void> {
  const place = await placeOf(dataSet, cacheFolder);
  await makeFolder(place.folder);
  await keep(place, named(dataSet.names, pixels));
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

function keep({ file, key }: Place, samples: readonly SampleStatistics[]): Promise<void> {
  return writeAtomically(file, JSON.stringify({ key, samples: toForeign(samples) }));
}

const named = (
  names: readonly string[],
  pixels: readonly (readonly number[])[],
): SampleStatistics[] => names.map((name, i) => ({ name, pixels: pixels[i] ?? [] }));

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
export function withTotals(
  samples: readonly SampleStatistics[],
  classes: number,
): ClassStatistics {
  const totals = new Array<number>(classes).fill(0);
  for (const { pixels } of samples) {
    for (const [id, count] of pixels.entries()) totals[id] = (totals[id] ?? 0) + count;
  }
  return { samples, totals };
}

async function countInTurn(dataSet: DataSet): Promise<number[][]> {
  const counted: number[][] = [];
  for (const index of dataSet.names.keys()) {
    counted.push(await countLabel(dataSet, index));
  }
  return counted;
}

// A damaged cache is as good as none: it is written anew.
async function readCache(
  { file, key }: Place,
  dataSet: DataSet,
): Promise<ClassStatistics | null> {
  const text = await readFile(file, "utf8").catch(() => null);
  if (text === null) return null;
  try {
    const content: unknown = JSON.parse(text);
    if (typeof content !== "object" || content === null) return null;
    if (!("key" in content) || content.key !== key || !("samples" in content)) {
      return null;
    }
    const { classes, names } = dataSet;
    const byName = statisticsOf(content.samples, file, classes.length);
    const samples = inOrder(names, byName);
    return samples && withTotals(samples, classes.length);
  } catch {
    return null;
  }
}

/**
 * Reads what the PyTorch code left in the data set's folder.
 *
 * @returns Null if there is no such file, or it does not cover the data set.
 */
export async function readForeign(dataSet: DataSet): Promise<SampleStatistics[] | null> {
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
  return inOrder(names, byStem, baseOf);
}

// Written for other labels of the same names? One look tells.
async function isOfTheseLabels(
  [first]: readonly SampleStatistics[],
  dataSet: DataSet,
): Promise<boolean> {
  const own = await countLabel(dataSet, 0);
  return first?.pixels.every((pixels, id) => pixels === own[id]) ?? false;
}

function inOrder(
  names: readonly string[],
  byKey: ReadonlyMap<string, readonly number[]>,
  keyOf: (name: string) => string = (name) => name,
): SampleStatistics[] | null {
  const samples: SampleStatistics[] = [];
  for (const name of names) {
    const pixels = byKey.get(keyOf(name));
    if (pixels === undefined) return null;
    samples.push({ name, pixels });
  }
  return samples;
}

function toForeign(samples: readonly SampleStatistics[]): Record<string, unknown>[] {
  return samples.map(({ name, pixels }) => ({
    file: name,
    ...Object.fromEntries([...pixels.entries()].filter(([, count]) => count > 0)),
  }));
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
