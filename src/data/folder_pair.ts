/** Pairs of a folder data set, in as few bytes as their names. @module */

import type { PicturePair } from "./picture_pairs.ts";
import { below } from "./source/file_source.ts";

/** What the files of all pairs have in common. */
export interface FolderOfPairs {
  readonly images: string;
  /** Null in a set without labels. */
  readonly labels: string | null;
  /** What follows a picture's name in that of its label. */
  readonly labelEnding: string;
}

/**
 * A pair whose paths are put together when they are wanted: every thread that reads a data
 * set keeps all its pairs, and of a hundred thousand that counts.
 */
export class FolderPair implements PicturePair {
  /** @param file The image's, from the folder of images. */
  constructor(
    readonly name: string,
    private readonly file: string,
    private readonly folder: FolderOfPairs,
  ) {}

  /** See {@linkcode PicturePair}. */
  get image(): string {
    return below(this.folder.images, this.file);
  }

  /** See {@linkcode PicturePair}. */
  get label(): string | null {
    const { labels, labelEnding } = this.folder;
    return labels === null ? null : below(labels, this.name + labelEnding);
  }
}
