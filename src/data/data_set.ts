/**
 * What a data set is to the rest of the library, and how one is opened from a description
 * that can be written to a file or posted to a worker.
 *
 * @module
 */

import type { ClassInfo } from "../core/host_batch.ts";
import type { EmbeddedSpec } from "./embedded.ts";
import type { FolderSpec } from "./folder.ts";
import type { LoosePairs } from "./loose_pairs.ts";
import type { NativeSpec } from "./native/native.ts";

/** A label map at its own resolution. */
export interface LabelMap {
  readonly width: number;
  readonly height: number;
  /** Class ids, 255 ignored. [H, W] */
  readonly data: Uint8Array;
}

/** One picture of a data set, at its own resolution. */
export interface Sample {
  /** The stem of its files. */
  readonly name: string;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** Red, green, blue in 0 … 255. [H, W, 3] */
  readonly image: Uint8Array;
  /** Class ids, 255 ignored; null in a set that is used without labels. [H, W] */
  readonly label: Uint8Array | null;
}

/** Pictures that can be read in any order, any number of times. */
export interface DataSet {
  /** For messages. */
  readonly name: string;
  /** Index = class id. */
  readonly classes: readonly ClassInfo[];
  /** One per picture, sorted. */
  readonly names: readonly string[];
  /** Whether samples have labels. */
  readonly labelled: boolean;
  /**
   * Reads one picture and, in a labelled set, its label.
   *
   * @throws If a file is missing, unreadable, of the wrong size or holds an unknown value;
   *   the message names the file.
   */
  read(index: number): Promise<Sample>;
  /** Reads a label alone, which is quicker. Throws like {@linkcode read}. */
  readLabel(index: number): Promise<LabelMap>;
  /** Changes whenever the labels may have changed; for caches of what is counted in them. */
  fingerprint(): Promise<string>;
  /** What a user should know about it, such as pictures that were left out; a sentence each. */
  readonly notes?: readonly string[];
  /** A folder in which other tools may have left their statistics; null if there is none. */
  readonly folder: string | null;
  /** Its files, if they lie in a folder: other threads need not look for them. */
  readonly loose?: LoosePairs | null;
}

/** A description of a data set: plain JSON. */
export type DataSpec = FolderSpec | NativeSpec | EmbeddedSpec;

/**
 * Opens a data set: finds its files, without reading them.
 *
 * @throws If the description fits no files; the message says what was found instead.
 */
export async function openDataSet(spec: DataSpec): Promise<DataSet> {
  // Loaded on demand, so that the embedded set needs no image library and no permissions.
  switch (spec.kind) {
    case "folder":
      return (await import("./folder.ts")).openFolder(spec);
    case "native":
      return (await import("./native/native.ts")).openNative(spec);
    case "embedded":
      return (await import("./embedded.ts")).openEmbedded(spec);
  }
}
