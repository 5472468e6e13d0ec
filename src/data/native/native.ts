/** Data sets as they were downloaded: nothing is converted, copied or unpacked. @module */

import type { NativeSet } from "../../core/known_classes.ts";
import type { DataSet } from "../data_set.ts";
import type { Inventory } from "../inventory.ts";
import { pairedDataSet, type PairSet } from "../picture_pairs.ts";
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
import { addFurtherLabels } from "./further_labels.ts";
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
  /**
   * A folder, an archive or an address of labels that were published apart, of "voc": SBD;
   * null or left out: where they lie in or beside the root.
   */
  readonly sbd?: string | null;
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
  const { set, wanted, missing, lost, listed, folder } = await nativeInventory(spec);
  const [absent] = lost;
  if (absent !== undefined) {
    throw new RangeError(
      `Cannot use the data set "${spec.root}": ${lost.length} of the ${listed} pictures ` +
        `of its split "${spec.split}" are missing in "${folder}" (first: "${absent}"): ` +
        "is it unpacked completely?",
    );
  }
  const [first] = missing;
  if (first !== undefined) {
    throw new RangeError(
      `Cannot use the data set "${spec.root}": the label "${first}" is missing ` +
        `(${missing.length} of ${wanted} pictures have none): ` +
        `${LAYOUTS[spec.set].cure}, or use this set as a target only` +
        sealedHint(await set.source.children("").catch(() => null) ?? []),
    );
  }
  return pairedDataSet(set);
}

/** Finds the files. Throws like {@linkcode openNative}, but for missing files. */
export async function nativeInventory(spec: NativeSpec): Promise<Inventory> {
  const layout = LAYOUTS[spec.set];
  const split = spec.split ?? null;
  if (split !== null) assertInside(split, '"split"');
  const root = spec.root.replaceAll("{split}", split ?? "{split}");
  const opened = await openSource({ ...spec, root });
  const { found, source } = await withFurther(
    await findFiles(opened, layout, spec),
    opened,
    layout,
    { ...spec, root },
  );
  const { images, labels } = found;

  const present = [...images.keys()].sort();
  const listed = found.listed === null ? null : new Set(found.listed);
  const own = listed === null ? present : present.filter((name) => listed.has(name));
  const names = await select(own, spec, found.folder, spec.root, layout.nameOf);
  const wanted = spec.labelled
    ? names.filter((name) => layout.bad?.names.has(name) !== true)
    : names;
  const left = names.length - wanted.length;
  const good = spec.labelled ? wanted.filter((name) => labels.has(name)) : wanted;
  return {
    folder: found.folder,
    wanted: wanted.length,
    found: names.length,
    missing: good.length === wanted.length
      ? []
      : wanted.filter((name) => !labels.has(name)).map(found.labelOf),
    spare: [...labels].filter(([name]) => !images.has(name) && !isMade(name))
      .map(([, path]) => source.address(path)).sort(),
    lost: [...listed ?? []].filter((name) => !images.has(name)),
    listed: listed?.size ?? 0,
    set: {
      name: found.folder,
      classes: layout.classes,
      labelled: spec.labelled,
      source,
      folder: opened.isPacked ? null : root,
      meaning: spec.set,
      pairs: good.map((name) => ({
        name,
        image: images.get(name) ?? name,
        label: spec.labelled ? labels.get(name) ?? null : null,
      })),
      decode: decoderOf(layout),
      notes: layout.bad === null || left === 0 ? [] : [layout.bad.note(left)],
    },
  };
}

/** What reads the files of such a data set, wherever they are. */
export const nativeReader = ({ set, labelled }: NativeSpec) => ({
  classes: LAYOUTS[set].classes,
  labelled,
  decode: decoderOf(LAYOUTS[set]),
});

// Made out here: a function made in there would keep every list in there alive.
const decoderOf = (layout: NativeLayout): PairSet["decode"] => (bytes, file, path) =>
  layout.decoderOf(path)(bytes, file);

// What the PyTorch code's converters write beside the labels of GTA5 and SYNTHIA.
const isMade = (name: string) => name.endsWith("_labelTrainIds");

async function withFurther(
  found: Found,
  opened: OpenedSource,
  { further, title }: NativeLayout,
  { labelled, root, sbd = null, cacheFolder = null }: NativeSpec,
): Promise<{ found: Found; source: FileSource }> {
  if (further === undefined) {
    if (sbd === null) return { found, source: opened.source };
    throw new RangeError(`Cannot use "sbd": ${title} has no labels there: leave it out`);
  }
  if (!labelled) return { found, source: opened.source };
  return await addFurtherLabels(found, opened, further, {
    named: sbd,
    root,
    cacheFolder,
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
  const shards = isPacked
    ? await findShards(source, layout.nameOf, layout.further?.endings ?? [])
    : null;
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
