/** Whether the files of a picture are sound. @module */

import { decodeImage } from "../core/image_codec.ts";
import { pixelsOf } from "./count_label.ts";
import { type InventorySpec, takeInventory } from "./inventory.ts";
import type { PairSet, PicturePair } from "./picture_pairs.ts";
import { assertSameSize } from "./picture_pairs.ts";

/** What was found in the files of one picture. */
export interface Finding {
  /** Of the image in pixels; null if it cannot be read. */
  readonly width: number | null;
  /** Likewise. */
  readonly height: number | null;
  /** Pixels per class id; null without a label, or with one that cannot be used. */
  readonly pixels: number[] | null;
  /** What is wrong, a sentence each. */
  readonly problems: string[];
}

/** Gives a look at the pictures of a data set, by their place in its inventory. */
export async function openExamination(
  spec: InventorySpec,
): Promise<(index: number) => Promise<Finding>> {
  const { set } = await takeInventory(spec);
  return (index) => examine(set, index);
}

/** Looks at one picture of a set. */
export function examine(set: PairSet, index: number): Promise<Finding> {
  const pair = set.pairs[index];
  if (pair !== undefined) return examinePair(set, pair);
  throw new RangeError(`Cannot examine picture ${index} of "${set.name}"`);
}

/** Reads both files of a pair to their ends. Never throws because of them. */
export async function examinePair(set: PairSet, pair: PicturePair): Promise<Finding> {
  const { source, decode, classes } = set;
  const problems: string[] = [];
  const soundly = async <T>(read: () => Promise<T>): Promise<T | null> => {
    try {
      return await read();
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
      return null;
    }
  };
  const { label: path } = pair;
  // Decoded by threads of a library, while this one decodes the label.
  const imageRead = soundly(async () =>
    await decodeImage(await source.read(pair.image), source.address(pair.image))
  );
  const label = path === null
    ? null
    : await soundly(async () =>
      decode(await source.read(path), source.address(path), path)
    );
  const image = await imageRead;
  if (image !== null && label !== null && path !== null) {
    await soundly(() =>
      Promise.resolve().then(() =>
        assertSameSize(image, source.address(pair.image), label, source.address(path))
      )
    );
  }
  return {
    width: image?.width ?? null,
    height: image?.height ?? null,
    pixels: label && pixelsOf(label, classes.length),
    problems: problems.sort(),
  };
}
