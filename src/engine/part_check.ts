/** One split, checked from its first file to its last. @module */

import { resolve } from "node:path";
import { keepStatistics, readForeign } from "../data/class_statistics.ts";
import type { Finding } from "../data/examination.ts";
import type { Inventory, InventorySpec } from "../data/inventory.ts";
import { loosePairs } from "../data/loose_pairs.ts";
import { filesFingerprint, pairedDataSet } from "../data/picture_pairs.ts";
import { remembered } from "../data/remembered.ts";
import { survey } from "../data/survey.ts";

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
  const findings = await survey({ kind: "examine", spec }, set.pairs.length, {
    loose: loosePairs(set),
    workers,
    progress,
    signal,
  });
  const pixels = findings.map((finding) => finding.pixels);
  const whole = pixels.filter((one) => one !== null);
  let foreign: boolean | null = null;
  if (set.labelled && whole.length === pixels.length && whole.length > 0) {
    const dataSet = pairedDataSet(set);
    if (keepsStatistics && cacheFolder !== null) {
      await keepStatistics(dataSet, cacheFolder, whole);
    }
    const theirs = await readForeign(dataSet);
    foreign = theirs &&
      theirs.every(({ pixels }, i) =>
        pixels.every((count, id) => count === whole[i]?.[id])
      );
  }
  return {
    sizes: sizesOf(findings),
    classes: set.labelled
      ? set.classes.map(({ name }, id) => ({ name, ...amount(whole, id) }))
      : null,
    foreign,
    problems: findings.flatMap(({ problems }) => problems),
  };
}

function amount(pixels: readonly (readonly number[])[], id: number) {
  let [sum, pictures] = [0, 0];
  for (const one of pixels) {
    const count = one[id] ?? 0;
    sum += count;
    if (count > 0) pictures++;
  }
  return { pixels: sum, pictures };
}

function sizesOf(findings: readonly Finding[]): SizeCount[] {
  const counts = new Map<string, SizeCount>();
  for (const { width, height } of findings) {
    if (width === null || height === null) continue;
    const key = `${width}×${height}`;
    const pictures = (counts.get(key)?.pictures ?? 0) + 1;
    counts.set(key, { width, height, pictures });
  }
  return [...counts.values()].sort((a, b) => b.pictures - a.pictures);
}
