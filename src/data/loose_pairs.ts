/**
 * Pictures whose files lie in a folder, for threads: one that is told which pictures to look
 * at need not list them all, which takes time and memory in every thread.
 *
 * @module
 */

import type { DataSpec } from "./data_set.ts";
import type { PairSet, PicturePair } from "./picture_pairs.ts";
import { folderSource } from "./source/folder_source.ts";

/** Pairs of files below a folder. */
export interface LoosePairs {
  /** The folder. */
  readonly root: string;
  /** Some of them in order, as plain JSON. */
  slice(from: number, to: number): readonly PicturePair[];
}

/** The pairs of a set, if all their files lie in a folder; else null. */
export function loosePairs({ source, pairs }: PairSet): LoosePairs | null {
  const root = source.looseRoot?.() ?? null;
  if (root === null) return null;
  return {
    root,
    slice: (from, to) =>
      pairs.slice(from, to).map(({ name, image, label }) => ({ name, image, label })),
  };
}

/** Opens what reads the pairs of a data set, without looking for them. */
export async function openLoose(
  spec: DataSpec,
  root: string,
): Promise<(pairs: readonly PicturePair[]) => PairSet> {
  const set = await readerOf(spec);
  const source = folderSource(root);
  return (pairs) => ({ ...set, name: root, source, folder: null, meaning: null, pairs });
}

// Loaded on demand, as data sets are.
async function readerOf(
  spec: DataSpec,
): Promise<Pick<PairSet, "classes" | "labelled" | "decode">> {
  switch (spec.kind) {
    case "folder":
      return (await import("./folder.ts")).folderReader(spec);
    case "native":
      return (await import("./native/native.ts")).nativeReader(spec);
    case "embedded":
      throw new TypeError("Cannot read drawn scenes from files");
  }
}
