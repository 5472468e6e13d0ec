/** Samples of what was prepared, to be looked at. @module */

import type { ClassInfo } from "../core/host_batch.ts";
import { pairedDataSet } from "../data/picture_pairs.ts";
import { type Thumbnail, thumbnail } from "../data/thumbnail.ts";
import type { OpenPart } from "./prepared_part.ts";

/** Small pictures of a part, with their labels. */
export interface PartPictures {
  /** Its name. */
  readonly part: string;
  /** In the order of their ids. */
  readonly classes: readonly ClassInfo[];
  /** Spread evenly over the part. */
  readonly thumbnails: readonly Thumbnail[];
}

/** See `Prepared.pictures`. */
export async function picturesOf(
  sets: readonly OpenPart[],
  count: number,
  width: number,
): Promise<PartPictures[]> {
  const labelled = sets.filter(({ set }) => set.labelled && set.pairs.length > 0);
  const share = Math.max(1, Math.floor(count / Math.max(1, labelled.length)));
  return await Promise.all(
    labelled.slice(0, count).map(async ({ part, set }) => {
      const dataSet = pairedDataSet(set);
      const thumbnails: Thumbnail[] = [];
      const wanted = Math.min(share, set.pairs.length);
      for (let i = 0; i < wanted; i++) {
        const index = Math.floor((i + 0.5) * set.pairs.length / wanted);
        const sample = await dataSet.read(index).catch(() => null);
        if (sample !== null) thumbnails.push(thumbnail(sample, width));
      }
      return { part: part.name, classes: set.classes, thumbnails };
    }),
  );
}
