/** What a data set is to the rest of the library. @module */

import type { ClassInfo, Pixels, Size } from "../core/host_batch.ts";

export type { Pixels } from "../core/host_batch.ts";

/** A label map at its own resolution. */
export interface LabelMap extends Size {
  /** Class ids, 255 ignored. [H, W] */
  readonly data: Uint8Array;
  /** What is odd about it, and was read all the same; a sentence each. */
  readonly oddities?: readonly string[];
}

/** One image of a data set, at its own resolution. */
export interface Sample extends Size {
  /** The stem of its files. */
  readonly name: string;
  /** C: 3 for red, green, blue. */
  readonly channels: number;
  /** In 0 … 255, or 0 … 65535. [H, W, C] */
  readonly image: Pixels;
  /** Class ids, 255 ignored; null in a set that is used without labels. [H, W] */
  readonly label: Uint8Array | null;
  /** The EXIF orientation, 2 … 8, by which the image was turned, and its label was not. */
  readonly orientation?: number;
}

/** A label that is no file of its own: what a file of annotations has of one image. */
export interface LabelPart {
  /** The file, by its path in its source. */
  readonly path: string;
  /** The part, for messages, as in "image 37". */
  readonly title: string;
  /** What the file has of the image. */
  readonly bytes: Uint8Array;
}

/** The files of an image, by their paths in their source: plain values. */
export interface SampleFiles {
  readonly name: string;
  readonly image: string;
  /** Null in a set without labels. */
  readonly label: string | LabelPart | null;
}

/**
 * Files that lie unpacked in a folder, or whose labels are parts of one file: a thread that
 * is given some of them need not list them all, which takes time and memory in every thread.
 */
export interface UnpackedFiles {
  /** The folder; in the second case it may hold archives, or be one. */
  readonly root: string;
  /** The files of the images `from` … `to` − 1. */
  slice(from: number, to: number): readonly SampleFiles[];
}

/** What stays the same where a data set is copied or moved, and changes with it. */
export interface DataIdentity {
  readonly images: number;
  /** A hash of their names, in order. */
  readonly names: string;
  /** A hash of the sizes of their files in bytes. */
  readonly sizes: string;
  /**
   * The kind of checksum and a hash of those of the files, or of some of them where there
   * are many; null where files would have to be fetched.
   */
  readonly contents: string | null;
  /** A hash of labels that are no files of their own; left out where all are. */
  readonly annotations?: string;
}

/** Images that can be read in any order, any number of times. */
export interface DataSet {
  /** For messages. */
  readonly name: string;
  /** Index = class id. */
  readonly classes: readonly ClassInfo[];
  /** One per image, sorted. */
  readonly names: readonly string[];
  /** Whether samples have labels. */
  readonly labeled: boolean;
  /**
   * Reads one image and, in a labeled set, its label.
   *
   * @throws If a file is missing, unreadable, of the wrong size or holds an unknown value;
   *   the message names the file.
   */
  read(index: number): Promise<Sample>;
  /** Reads a label alone, which is quicker. Throws like {@linkcode read}. */
  readLabel(index: number): Promise<LabelMap>;
  /** Changes whenever the labels may have changed; for caches of what is counted in them. */
  fingerprint(): Promise<string>;
  /** What makes it the same data set in another place and at another time. */
  identity(): Promise<DataIdentity>;
  /** What a user should know about it, such as images that were left out; a sentence each. */
  readonly notes?: readonly string[];
  /** A folder in which other tools may have left their statistics; null if there is none. */
  readonly statisticsFolder: string | null;
  /** Its files, if they all lie in a folder or bring their labels. */
  readonly unpacked?: UnpackedFiles | null;
}
