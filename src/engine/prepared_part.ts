/** What is known of a split after its preparation. @module */

import { type Inventory, takeInventory } from "../data/inventory.ts";
import type { PairSet } from "../data/picture_pairs.ts";
import {
  type CheckOptions,
  checkPart,
  type ClassShare,
  type Contents,
  type SizeCount,
} from "./part_check.ts";
import { NUMBERED, type Part } from "./preparation_parts.ts";

/** What was found about a split. */
export interface PreparedPart {
  /** For tables. */
  readonly name: string;
  /** Where its pictures are; null: not found, or drawn. */
  readonly folder: string | null;
  /** Those that can be used. */
  readonly pictures: number;
  /** How many its authors published; null: not known. */
  readonly published: number | null;
  /** Whether it is used with labels. */
  readonly labelled: boolean;
  /** Of the pictures, the most frequent first. */
  readonly sizes: readonly SizeCount[];
  /** In the order of their ids; null without labels. */
  readonly classes: readonly ClassShare[] | null;
  /** Whether an earlier call has checked the same files. */
  readonly known: boolean;
  /** What to know, a sentence each. */
  readonly notes: readonly string[];
  /** What to mend, a sentence each. */
  readonly problems: readonly string[];
}

/** A split whose files were found. */
export interface OpenPart {
  readonly part: Part;
  readonly set: PairSet;
  /** Changes whenever one of its files may have changed. */
  readonly key: string;
}

/**
 * Checks a split. What is wrong with its files is told, not thrown.
 *
 * @returns What was found, and the pictures that can be used; null: nothing is there.
 * @throws If the cache cannot be written, or the signal is aborted.
 */
export async function preparePart(
  part: Part,
  options: Omit<CheckOptions, "keepsStatistics">,
): Promise<{ found: PreparedPart; open: OpenPart | null }> {
  const { name, spec, ifAbsent, published } = part;
  const nothing: PreparedPart = {
    name,
    folder: null,
    pictures: 0,
    published,
    labelled: spec.labelled,
    sizes: [],
    classes: null,
    known: false,
    notes: [],
    problems: [],
  };
  if (spec.kind === "embedded") {
    const notes = [
      "the scenes are drawn when they are needed: there is nothing to check",
    ];
    return { found: { ...nothing, pictures: spec.images, notes }, open: null };
  }
  let inventory: Inventory;
  try {
    inventory = await takeInventory(spec);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const found = ifAbsent === null
      ? { ...nothing, problems: [error.message] }
      : { ...nothing, notes: [ifAbsent] };
    return { found, open: null };
  }
  const { set, missing, spare, lost, folder } = inventory;
  if (ifAbsent !== null && set.pairs.length === 0) {
    return { found: { ...nothing, notes: [ifAbsent] }, open: null };
  }
  const hasNames = set.classes !== NUMBERED;
  const { contents, key, isKnown } = await checkPart(spec, inventory, {
    ...options,
    keepsStatistics: hasNames,
  });
  const { sizes, classes } = contents;
  const found: PreparedPart = {
    ...nothing,
    folder,
    pictures: set.pairs.length,
    sizes,
    classes: classes && (hasNames ? classes : classes.filter(({ pixels }) => pixels > 0)),
    known: isKnown,
    notes: notesOf(part, inventory, contents, hasNames),
    problems: [
      ...missing.map((file) => `The label "${file}" is missing`),
      ...lost.map((one) => `The picture "${one}" of "${name}" is not in "${folder}"`),
      ...spare.map((file) => `The label "${file}" belongs to no picture`),
      ...contents.problems,
    ],
  };
  return { found, open: { part, set, key } };
}

function notesOf(
  { name, published }: Part,
  { set, found }: Inventory,
  { foreign }: Contents,
  hasNames: boolean,
): string[] {
  const notes = [...set.notes ?? []];
  if (published !== null && found !== published) {
    notes.push(`${found} pictures of "${name}" are there; ${published} were published`);
  }
  if (foreign === true) notes.push('"sample_class_stats.json" agrees with the labels');
  if (foreign === false) {
    notes.push(
      '"sample_class_stats.json" does not agree with the labels: it is not used',
    );
  }
  if (!hasNames) {
    notes.push("classes have no names here: prepare a configuration to keep statistics");
  }
  return notes;
}
