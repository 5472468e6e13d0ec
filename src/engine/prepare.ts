/** A data set checked before anybody trains on it. @module */

import { loadConfig } from "../config/read.ts";
import { allCores } from "../data/survey.ts";
import { unlabelledNote } from "../data/unlabelled_note.ts";
import { overlaps } from "./part_overlaps.ts";
import { type PartPictures, picturesOf } from "./part_pictures.ts";
import {
  type Part,
  partsOfConfig,
  partsOfSet,
  sourceOf,
  unknownDataSet,
} from "./preparation_parts.ts";
import { type OpenPart, type PreparedPart, preparePart } from "./prepared_part.ts";

/** What was found about a data set, or about all of a configuration. */
export interface Preparation {
  /** Of the data set, or the configuration's file. */
  readonly dataset: string;
  /** Where results and class statistics are kept; null: nowhere. */
  readonly cache: string | null;
  /** In the order in which they were checked. */
  readonly parts: readonly PreparedPart[];
  /** About several parts, a sentence each. */
  readonly notes: readonly string[];
  /** All of them, each with the name of its part; a sentence each. */
  readonly problems: readonly { readonly part: string; readonly message: string }[];
}

/** How {@linkcode prepare} works. */
export interface PrepareOptions {
  /** The data set's folder, archive or address; of a configuration: its `data.root`. */
  readonly root?: string | undefined;
  /** Values in place of a configuration's, as `path.to.key=value`. */
  readonly overrides?: readonly string[];
  /** Where results are kept, the only folder that is written to; null for nowhere. */
  readonly cache: string | null;
  /** Threads. @default {all cores} */
  readonly workers?: number | undefined;
  /** Told how many pictures of a part have been checked. */
  readonly progress?: (part: string, done: number, of: number) => void;
  /** Ends it; what was found so far is lost. */
  readonly signal?: AbortSignal;
}

/** A preparation and a way to look at what was prepared. */
export interface Prepared {
  /** What was found. */
  readonly preparation: Preparation;
  /**
   * Evenly spread samples of the labelled parts; those that cannot be read are left out.
   *
   * @param count Of all parts together, at most; 12 unless given.
   * @param width In pixels, at most; 240 unless given.
   */
  pictures(count?: number, width?: number): Promise<PartPictures[]>;
}

/**
 * Checks a data set, or all those of a configuration, counts its classes and keeps what it
 * found, so that the same call is quick the next time and training need not count.
 *
 * @param dataset One of `DATA_SETS`, or a configuration's file.
 * @throws {RangeError} If nothing is known by that name, or it has no root.
 */
export async function prepare(
  dataset: string,
  { root, overrides = [], cache, workers = allCores(), ...options }: PrepareOptions,
): Promise<Prepared> {
  const unknown = unknownDataSet(dataset, root);
  if (unknown !== null) throw new RangeError(unknown);
  const { progress = () => {}, signal } = options;
  const parts = await partsOf(dataset, root, overrides, cache);
  const isConfig = /\.ya?ml$/i.test(dataset);

  const prepared: PreparedPart[] = [];
  const sets: OpenPart[] = [];
  for (const part of parts) {
    const { found, open } = await preparePart(part, {
      cacheFolder: cache,
      workers,
      signal,
      progress: (done, of) => progress(part.name, done, of),
    });
    prepared.push(found);
    if (open !== null) sets.push(open);
  }
  const { notes, problems } = await overlaps(sets, isConfig, cache);
  const usedAs = (name: string) => {
    const open = isConfig ? sets.find(({ part }) => part.name === name) : undefined;
    if (open === undefined) return null;
    return { spec: open.part.spec, names: open.set.pairs.map(({ name }) => name) };
  };
  const [labelled, unlabelled] = [usedAs("source"), usedAs("target")];
  const note = labelled && unlabelled && unlabelledNote(labelled, unlabelled);
  return {
    preparation: {
      dataset,
      cache,
      parts: prepared,
      notes: [...notes, ...(note ? [note] : []), ...whereToGet(parts, prepared)],
      problems: distinct([
        ...prepared.flatMap(({ name, problems }) =>
          problems.map((message) => ({ part: name, message }))
        ),
        ...problems,
      ]),
    },
    pictures: (count = 12, width = 240) => picturesOf(sets, count, width),
  };
}

async function partsOf(
  dataset: string,
  root: string | undefined,
  overrides: readonly string[],
  cache: string | null,
): Promise<Part[]> {
  if (/\.ya?ml$/i.test(dataset)) {
    const given = root === undefined ? [] : [`data.root=${JSON.stringify(root)}`];
    return partsOfConfig(await loadConfig(dataset, [...overrides, ...given]), cache);
  }
  if (overrides.length > 0) {
    throw new RangeError(
      `Cannot set "${overrides[0]}": "${dataset}" is no configuration`,
    );
  }
  return await partsOfSet(dataset, root ?? "", cache);
}

// Two splits of a folder that is not there say the same.
function distinct<One extends { readonly message: string }>(
  problems: readonly One[],
): One[] {
  const first = new Map(
    problems.toReversed().map((one, i) => [one.message, problems.length - 1 - i]),
  );
  return problems.filter(({ message }, i) => first.get(message) === i);
}

function whereToGet(
  parts: readonly Part[],
  prepared: readonly PreparedPart[],
): string[] {
  const incomplete = parts.filter((_, i) =>
    prepared[i]?.folder === null ||
    prepared[i]?.problems.some((one) => /is missing$|is not in "/.test(one))
  );
  return [...new Set(incomplete.map(sourceOf).filter((one) => one !== null))];
}
