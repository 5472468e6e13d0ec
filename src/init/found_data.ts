/** What a folder turned out to hold: the same for every kind of data. @module */

import type { ClassInfo } from "../core/host_batch.ts";

/** Images that a configuration can name together: those of a split, or all. */
export interface FoundPart {
  /** What people call it. */
  readonly name: string;
  /** How a configuration names it, without a list. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Names of images with labels, sorted. */
  readonly labeled: readonly string[];
  /** Names of images without, sorted. */
  readonly unlabeled: readonly string[];
  /** Whether all that the settings name has labels, or nothing: then no list is needed. */
  readonly isWhole: boolean;
}

/** An image by its part and its name: two splits may have images of one name. */
export interface FoundImage {
  readonly part: string;
  readonly name: string;
}

/** A file, and its path for messages. */
export interface ImageFile {
  readonly bytes: Uint8Array;
  readonly path: string;
}

/** What an image is called among those of all parts. */
export const imageKey = ({ part, name }: FoundImage): string => `${part}\0${name}`;

/** Classes, and how many pixels of each are in the labels that were read. */
export interface FoundClasses {
  readonly classes: readonly ClassInfo[];
  /** Settings of `data` that say what labels mean, and those of the set have. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What the guesses rest on, a sentence each. */
  readonly reasons: readonly string[];
  /** Pixels per class id, by the key of the image. */
  readonly counts: ReadonlyMap<string, readonly number[]>;
}

/** How classes are looked for. */
export interface ClassSearch {
  /** Called with how many labels were read. */
  readonly progress: (done: number, of: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** A data set in a folder. */
export interface FoundData {
  /** In words, for people. */
  readonly title: string;
  /** Settings of `data` that say where it is. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Labeled ones, and others without labels. */
  readonly parts: readonly FoundPart[];
  /** Paths of lists of images that it has, by the split that they are called after. */
  readonly lists: ReadonlyMap<string, string>;
  /**
   * Names of the images of a part that a list chooses.
   *
   * @throws {RangeError} If it is a list of something else.
   */
  readonly readList: (part: string, list: string) => Promise<readonly string[]>;
  /** What to know, a sentence each. */
  readonly notes: readonly string[];
  /** Reads labels and tells what they mean. */
  readonly readClasses: (
    images: readonly FoundImage[],
    search: ClassSearch,
  ) => Promise<FoundClasses>;
  /** Reads the file of an image. */
  readonly readImage: (image: FoundImage) => Promise<ImageFile>;
}

/** Labels that are read, of a large set. */
export const MAX_LABELS_READ = 2000;
