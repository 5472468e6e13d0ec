/** Pictures that a network would learn from and be scored on. @module */

import { remembered } from "../data/remembered.ts";
import { sharedPictures } from "../data/shared_pictures.ts";
import type { OpenPart } from "./prepared_part.ts";

/** What was found; a sentence each. */
export interface Overlaps {
  readonly notes: readonly string[];
  readonly problems: readonly { readonly part: string; readonly message: string }[];
}

/**
 * Compares the splits for training with those for evaluation.
 *
 * @param isConfig A configuration may mean to score on what it trains on: a note.
 * @param cacheFolder Where it is kept what was compared; null for nowhere.
 */
export async function overlaps(
  sets: readonly OpenPart[],
  isConfig: boolean,
  cacheFolder: string | null,
): Promise<Overlaps> {
  const notes: string[] = [];
  const problems: { part: string; message: string }[] = [];
  const of = (use: OpenPart["part"]["use"]) =>
    sets.filter(({ part }) => part.use === use);
  for (const one of of("training")) {
    for (const other of of("evaluation")) {
      const { value: { chosenTwice, copies } } = await remembered(
        cacheFolder,
        "overlap",
        JSON.stringify([one.key, other.key]),
        () => sharedPictures(one.set, other.set),
      );
      const [a, b] = [one.part.name, other.part.name];
      for (const name of copies) {
        problems.push({
          part: b,
          message: `The picture "${name}" of "${b}" has a copy in "${a}": scores on ` +
            "pictures that were learnt from are too good",
        });
      }
      if (chosenTwice.length === 0) continue;
      const message = `${chosenTwice.length} pictures of "${b}" are also in "${a}" ` +
        `(first: "${chosenTwice[0]}"): scores on them are too good`;
      if (isConfig) notes.push(message);
      else problems.push({ part: b, message: `Splits overlap: ${message}` });
    }
  }
  return { notes, problems };
}
