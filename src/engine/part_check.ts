/** One split, checked from its first file to its last. @module */

import { resolve } from "node:path";
import { keepStatistics, readForeign } from "../data/class_statistics.ts";
import type { Finding } from "../data/examination.ts";
import type { Inventory, InventorySpec } from "../data/inventory.ts";
import { loosePairs } from "../data/loose_pairs.ts";
import { filesFingerprint, pairedDataSet } from "../data/picture_pairs.ts";
import { countsOf, createCounts, type PixelCounts } from "../data/pixel_counts.ts";
import { remembered } from "../data/remembered.ts";
import { surveyInto } from "../data/survey.ts";

/** How many pictures have a size, in pixels. */
export interface SizeCount {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** How many pictures have it. */
  readonly pictures: number;
}

/** How much there is of a class. */
export interface ClassShare {
  /** Of the class. */
  readonly name: string;
  /** Of all labels together. */
  readonly pixels: number;
  /** How many pictures have any of it. */
  readonly pictures: number;
}

/** What the files of a split hold. */
export interface Contents {
  /** The most frequent first. */
  readonly sizes: readonly SizeCount[];
  /** In the order of their ids; null without labels. */
  readonly classes: readonly ClassShare[] | null;
  /** Whether a `sample_class_stats.json` of the PyTorch code agrees; null: there is none. */
  readonly foreign: boolean | null;
  /** What is wrong with single files, a sentence each. */
  readonly problems: readonly string[];
}

/** How a check is made. */
export interface CheckOptions {
  /** Where results are kept; null for nowhere. */
  readonly cacheFolder: string | null;
  /** Whether class statistics are kept for training. */
  readonly keepsStatistics: boolean;
  /** Threads. */
  readonly workers: number;
  readonly progress: (done: number, of: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What a split holds. */
export interface CheckedPart {
  readonly contents: Contents;
  /** Changes whenever one of its files may have changed. */
  readonly key: string;
  /** Whether the files were checked by an earlier call and are as they were. */
  readonly isKnown: boolean;
}

/** Checks are made anew after a change of what they look for. */
const EDITION = 1;

/**
 * Checks every file, or remembers that it has been checked.
 *
 * @throws If the cache cannot be written, or the signal is aborted.
 */
export async function checkPart(
  spec: InventorySpec,
  inventory: Inventory,
  options: CheckOptions,
): Promise<CheckedPart> {
  const { cacheFolder, keepsStatistics } = options;
  const { set } = inventory;
  const files = await filesFingerprint(
    set,
    ({ image, label }) => label === null ? [image] : [image, label],
  );
  const where = /^[a-z][a-z0-9+.-]+:\/\//i.test(set.name) ? set.name : resolve(set.name);
  const key = JSON.stringify([EDITION, where, set.labelled, keepsStatistics, files]);
  const { value: contents, isKnown } = await remembered(
    cacheFolder,
    "preparation",
    key,
    () => look(spec, inventory, options),
  );
  return { contents, key, isKnown };
}

async function look(
  spec: InventorySpec,
  { set }: Inventory,
  { cacheFolder, keepsStatistics, workers, progress, signal }: CheckOptions,
): Promise<Contents> {
  const labels = set.pairs.length;
  const counts = createCounts(labels, set.classes.length);
  const problems: (readonly string[])[] = [];
  const sizes = new Map<string, SizeCount>();
  let counted = 0;
  const take = (finding: Finding, index: number) => {
    addSize(sizes, finding);
    if (finding.problems.length > 0) problems[index] = finding.problems;
    if (finding.pixels === null) return;
    counted++;
    countsOf(counts, index).set(finding.pixels);
  };
  await surveyInto({ kind: "examine", spec }, labels, take, {
    loose: loosePairs(set),
    workers,
    progress,
    signal,
  });
  let foreign: boolean | null = null;
  if (set.labelled && counted === labels && labels > 0) {
    const dataSet = pairedDataSet(set);
    if (keepsStatistics && cacheFolder !== null) {
      await keepStatistics(dataSet, cacheFolder, counts);
    }
    const theirs = await readForeign(dataSet);
    foreign = theirs && theirs.data.every((count, i) => count === counts.data[i]);
  }
  return {
    // Threads tell of pictures in any order: of equals, the smaller size comes first.
    sizes: [...sizes.values()].sort((a, b) =>
      b.pictures - a.pictures || a.width - b.width || a.height - b.height
    ),
    classes: set.labelled
      ? set.classes.map(({ name }, id) => ({ name, ...amount(counts, id) }))
      : null,
    foreign,
    problems: problems.flat(),
  };
}

function amount({ data, classes }: PixelCounts, id: number) {
  let [sum, pictures] = [0, 0];
  for (let at = id; at < data.length; at += classes) {
    const count = data[at] ?? 0;
    sum += count;
    if (count > 0) pictures++;
  }
  return { pixels: sum, pictures };
}

function addSize(sizes: Map<string, SizeCount>, { width, height }: Finding): void {
  if (width === null || height === null) return;
  const key = `${width}×${height}`;
  const pictures = (sizes.get(key)?.pictures ?? 0) + 1;
  sizes.set(key, { width, height, pictures });
}
