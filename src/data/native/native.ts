/** Data sets as they were downloaded: nothing is converted, copied or unpacked. @module */

import type { NativeSet } from "../../core/known_classes.ts";
import type { DataSet } from "../data_set.ts";
import { pairedDataSet } from "../picture_pairs.ts";
import { assertInside, select, type Selection } from "../selection.ts";
import { type FileSource, quoted } from "../source/file_source.ts";
import {
  type OpenedSource,
  openSource,
  sealedHint,
  type SourcePlace,
} from "../source/open_source.ts";
import { CAMVID } from "./camvid.ts";
import { CITYSCAPES } from "./cityscapes.ts";
import { GTA5 } from "./gta5.ts";
import type { Found, NativeLayout } from "./layout.ts";
import { findShards } from "./shards.ts";
import { SYNTHIA } from "./synthia.ts";
import { VOC } from "./voc.ts";

/** Describes a data set in its native layout. */
export interface NativeSpec extends Selection, SourcePlace {
  readonly kind: "native";
  /** Which data set it is. */
  readonly set: NativeSet;
  /** Null for a set without splits, or where a list says it all. */
  readonly split?: string | null;
  /** Whether labels are needed; if not, they are neither looked for nor read. */
  readonly labelled: boolean;
}

/** How each set is laid out. */
export const LAYOUTS: Readonly<Record<NativeSet, NativeLayout>> = {
  camvid: CAMVID,
  cityscapes: CITYSCAPES,
  gta5: GTA5,
  synthia: SYNTHIA,
  voc: VOC,
};

/**
 * Opens a data set in its native layout, or in shards.
 *
 * @throws {RangeError} If its files are not there, no picture fits the selection, or a
 * label is missing.
 * @throws {SyntaxError} If an archive is damaged.
 */
export async function openNative(spec: NativeSpec): Promise<DataSet> {
  const layout = LAYOUTS[spec.set];
  const split = spec.split ?? null;
  if (split !== null) assertInside(split, '"split"');
  const root = spec.root.replaceAll("{split}", split ?? "{split}");
  const opened = await openSource({ ...spec, root });
  const { source } = opened;
  const found = await findFiles(opened, layout, spec);

  const names = await chosen(found, spec, layout);
  const good = spec.labelled
    ? names.filter((name) => layout.bad?.names.has(name) !== true)
    : names;
  const left = names.length - good.length;
  const missing = spec.labelled ? good.filter((name) => !found.labels.has(name)) : [];
  const [first] = missing;
  if (first !== undefined) {
    throw new RangeError(
      `Cannot use the data set "${spec.root}": the label "${found.labelOf(first)}" is ` +
        `missing (${missing.length} of ${good.length} pictures have none): ` +
        `${layout.cure}, or use this set as a target only`,
    );
  }
  return pairedDataSet({
    name: found.folder,
    classes: layout.classes,
    labelled: spec.labelled,
    source,
    folder: opened.isPacked ? null : root,
    meaning: spec.set,
    pairs: good.map((name) => ({
      name,
      image: found.images.get(name) ?? name,
      label: spec.labelled ? found.labels.get(name) ?? null : null,
    })),
    decode: (bytes, file, path) => layout.decoderOf(path)(bytes, file),
    notes: layout.bad === null || left === 0 ? [] : [layout.bad.note(left)],
  });
}

async function findFiles(
  { source, isPacked }: OpenedSource,
  layout: NativeLayout,
  spec: NativeSpec,
): Promise<Found> {
  const split = spec.split ?? null;
  const native = await layout.find(source, { split, labelled: spec.labelled });
  if (native !== null) {
    assertSplit(layout, spec);
    return native;
  }
  const shards = isPacked ? await findShards(source, layout.nameOf) : null;
  if (shards === null) throw await notThere(source, layout);
  // Shards do not say whose split they are: one for training must not be evaluated on.
  if (split !== null && !spec.root.includes("{split}")) {
    throw new RangeError(
      `Cannot use "split": "${split}" with the shards "${spec.root}": which of them are ` +
        'its own is not known: put "{split}" in the root where its name stands, or leave ' +
        '"split" out',
    );
  }
  return shards;
}

function assertSplit(layout: NativeLayout, { split, list }: NativeSpec): void {
  const { title, splits } = layout;
  if (splits === null) {
    if ((split ?? null) === null) return;
    throw new RangeError(
      `Cannot use "split": "${split}": ${title} has no splits: choose pictures with ` +
        '"include" or "list"',
    );
  }
  if ((split ?? null) !== null || (list ?? null) !== null) return;
  throw new RangeError(
    `Cannot use ${title} as a whole: give its "split", ${quoted(splits)}, or a "list"`,
  );
}

async function notThere(source: FileSource, layout: NativeLayout): Promise<RangeError> {
  const there = await source.children("").catch(() => null);
  const state = there === null
    ? "there is no such folder"
    : `it holds ${quoted(there)}${sealedHint(there)}`;
  return new RangeError(
    `Cannot find ${layout.title} in "${source.name}": ${state}: name the folder that ` +
      `holds ${layout.tree}`,
  );
}

async function chosen(
  { images, folder, listed }: Found,
  spec: NativeSpec,
  layout: NativeLayout,
): Promise<string[]> {
  const own = listed === null ? null : new Set(listed);
  const all = [...images.keys()].sort();
  const found = own === null ? all : all.filter((name) => own.has(name));
  if (own !== null && found.length < own.size) {
    const present = new Set(found);
    const lost = [...own].filter((name) => !present.has(name));
    throw new RangeError(
      `Cannot use the data set "${spec.root}": ${lost.length} of the ${own.size} pictures ` +
        `of its split "${spec.split}" are missing in "${folder}" (first: "${
          lost[0]
        }"): ` +
        "is it unpacked completely?",
    );
  }
  return await select(found, spec, folder, spec.root, layout.nameOf);
}
