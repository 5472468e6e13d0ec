/**
 * How many pixels of each class each label has. Counted on first use and kept in a file,
 * because counting reads every label once.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { countClasses } from "./crop.ts";
import type { DataSet } from "./data_set.ts";

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
 * @param progress Told after each counted label.
 */
export async function classStatistics(
  dataSet: DataSet,
  cacheFolder: string | null,
  progress: (counted: number, of: number) => void = () => {},
): Promise<ClassStatistics> {
  const fingerprint = await dataSet.fingerprint();
  const key = createHash("sha256").update(`${dataSet.name}\n${fingerprint}`).digest(
    "hex",
  );
  const file = cacheFolder &&
    join(cacheFolder, `class_statistics_${key.slice(0, 16)}.json`);

  const cached = file && await readCache(file, key, dataSet);
  if (cached) return cached;
  const samples = await readForeign(dataSet) ?? await countAll(dataSet, progress);
  if (cacheFolder !== null && file !== null) {
    await mkdir(cacheFolder, { recursive: true });
    await writeAtomically(file, JSON.stringify({ key, samples: toForeign(samples) }));
  }
  return withTotals(samples, dataSet.classes.length);
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

async function countAll(
  dataSet: DataSet,
  progress: (counted: number, of: number) => void,
): Promise<SampleStatistics[]> {
  const samples: SampleStatistics[] = [];
  for (const [index, name] of dataSet.names.entries()) {
    samples.push({ name, pixels: await count(dataSet, index) });
    progress(index + 1, dataSet.names.length);
  }
  return samples;
}

async function count(dataSet: DataSet, index: number): Promise<number[]> {
  const { data, width, height } = await dataSet.readLabel(index);
  const counts = countClasses(data, width, { top: 0, left: 0, height, width });
  return [...counts.subarray(0, dataSet.classes.length)];
}

// A damaged cache is as good as none: it is written anew.
async function readCache(
  file: string,
  key: string,
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
    const byName = parseStatistics(
      JSON.stringify(content.samples),
      file,
      classes.length,
    );
    const samples = inOrder(names, byName);
    return samples && withTotals(samples, classes.length);
  } catch {
    return null;
  }
}

// What others wrote is used only if it fits; else the labels are counted as ever.
async function readForeign(dataSet: DataSet): Promise<SampleStatistics[] | null> {
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
  const samples = inOrder(names, byStem, baseOf);
  if (samples === null) return null;
  // Written for other labels of the same names? One look tells.
  const own = await count(dataSet, 0);
  const agrees = samples[0]?.pixels.every((pixels, id) => pixels === own[id]) ?? false;
  return agrees ? samples : null;
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
