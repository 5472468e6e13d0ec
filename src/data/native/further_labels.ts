/** Labels that were published apart from the data set whose pictures they are of. @module */

import type { FileSource } from "../source/file_source.ts";
import { mountedSource } from "../source/mounted_source.ts";
import { type OpenedSource, openSource } from "../source/open_source.ts";
import type { Found } from "./layout.ts";

/** Labels by the names of their pictures. */
export interface LabelFolder {
  /** The folder that holds them, in the source. */
  readonly folder: string;
  /** Paths in the source. */
  readonly labels: ReadonlyMap<string, string>;
  /** Where the label of a picture would be, in the source. */
  readonly labelOf: (name: string) => string;
}

/** How such labels are found. */
export interface FurtherLabels {
  /** What a folder or an archive of them holds, for messages. */
  readonly tree: string;
  /** How a shard calls them. */
  readonly endings: readonly string[];
  /**
   * Finds them in a source.
   *
   * @param at A folder that holds nothing else; null: beside the data set.
   */
  readonly find: (source: FileSource, at: string | null) => Promise<LabelFolder | null>;
  /** Where they are unpacked beside a data set's folder; null: nowhere. */
  readonly beside: (root: string) => Promise<string | null>;
}

/** Where they are. */
export interface FurtherPlace {
  /** A folder, an archive or an address that was named for them; null: none was. */
  readonly named: string | null;
  /** Of the data set. */
  readonly root: string;
  readonly cacheFolder: string | null;
}

/** A folder that no data set has. */
const MOUNT = "\0further";

/**
 * Adds labels that were published apart to pictures without one.
 *
 * @returns The files, and the source that their paths are of.
 * @throws {RangeError} If they are not where they were said to be.
 */
export async function addFurtherLabels(
  found: Found,
  { source, isPacked }: OpenedSource,
  further: FurtherLabels,
  { named, root, cacheFolder }: FurtherPlace,
): Promise<{ found: Found; source: FileSource }> {
  const isWhole = found.listed?.every((name) => found.labels.has(name)) ?? false;
  if (isWhole) return { found, source };
  const place = named ?? (isPacked ? null : await further.beside(root));
  const all = place === null
    ? source
    : mountedSource(source, MOUNT, await sourceAt(place, cacheFolder));
  const there = await further.find(all, place === null ? null : MOUNT);
  if (there === null) {
    if (named === null) return { found, source };
    throw new RangeError(
      `Cannot find labels in "${named}": name the folder or the archive that holds ` +
        further.tree,
    );
  }
  const { labels, labelOf } = there;
  const more = [...labels].filter(([name]) => !found.labels.has(name));
  return {
    source: all,
    found: {
      ...found,
      labels: new Map([...found.labels, ...more]),
      labelOf: (name) => all.address(labelOf(name)),
    },
  };
}

const sourceAt = async (root: string, cacheFolder: string | null) =>
  (await openSource({ root, cacheFolder })).source;
