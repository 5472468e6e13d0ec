/** Pictures that two splits have in common. @module */

import type { PairSet } from "./picture_pairs.ts";

/** What two splits have in common, by the names of pictures. */
export interface SharedPictures {
  /** One file, in both. */
  readonly chosenTwice: readonly string[];
  /** Two files with the same bytes. */
  readonly copies: readonly string[];
}

/** Compares the image files of pictures that have the same name in two sets. */
export async function sharedPictures(
  one: PairSet,
  other: PairSet,
): Promise<SharedPictures> {
  const images = new Map(other.pairs.map(({ name, image }) => [name, image]));
  const chosenTwice: string[] = [];
  const copies: string[] = [];
  for (const { name, image } of one.pairs) {
    const twin = images.get(name);
    if (twin === undefined) continue;
    if (one.source.address(image) === other.source.address(twin)) {
      chosenTwice.push(name);
    } else if (await isCopy(one, image, other, twin)) copies.push(name);
  }
  return { chosenTwice, copies };
}

async function isCopy(
  one: PairSet,
  image: string,
  other: PairSet,
  twin: string,
): Promise<boolean> {
  try {
    const [a, b] = [await one.source.read(image), await other.source.read(twin)];
    return a.length === b.length && a.every((byte, i) => byte === b[i]);
  } catch {
    return false; // that a file cannot be read is said elsewhere
  }
}
