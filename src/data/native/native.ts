/** Data sets as they were downloaded: nothing is converted, copied or unpacked. @module */

import type { NativeSpec } from "../data_spec.ts";
import type { DataSet } from "../data_set.ts";
import {
  assertNoMissingLabels,
  type DataSetListing,
  fileDataSet,
  otherImageNotes,
  remarksOf,
  type SampleDecoder,
  withProblemNotes,
} from "../file_data_set.ts";
import type { NativeDataSet } from "../native_classes.ts";
import { assertRelativePath, selectImages } from "../selection.ts";
import { mountSource } from "../source/combined_source.ts";
import { type FileSource, quoteNames } from "../source/file_source.ts";
import {
  type OpenedSource,
  openSource,
  unsupportedArchiveHint,
} from "../source/open_source.ts";
import { CAMVID } from "./camvid.ts";
import { CITYSCAPES } from "./cityscapes.ts";
import { findShards } from "./find_files.ts";
import { GTA5 } from "./gta5.ts";
import type { FoundFiles, NativeLayout } from "./layout.ts";
import { SYNTHIA } from "./synthia.ts";
import { VOC } from "./voc.ts";

/** The layout of each data set. */
export const NATIVE_LAYOUTS: Readonly<Record<NativeDataSet, NativeLayout>> = {
  camvid: CAMVID,
  cityscapes: CITYSCAPES,
  gta5: GTA5,
  synthia: SYNTHIA,
  voc: VOC,
};

/** Where labels that were published apart are mounted: a folder that no data set has. */
const MOUNT_FOLDER = "\0extra";

/**
 * Opens a data set in its native layout, or in shards.
 *
 * @throws {RangeError} If its files are not there, no image fits the selection, or a label
 * is missing.
 * @throws {SyntaxError} If an archive is damaged.
 */
export async function openNative(spec: NativeSpec): Promise<DataSet> {
  const listing = await listNativeFiles(spec);
  const { usable, missingLabels, missingImages, splitListCount, address } = listing;
  const [absent] = missingImages;
  if (absent !== undefined) {
    throw new RangeError(
      `Cannot use the data set "${spec.root}": ${missingImages.length} of the ` +
        `${splitListCount} images of its split "${spec.split}" are missing in "${address}" ` +
        `(first: "${absent}"): is it unpacked completely?`,
    );
  }
  if (missingLabels.length > 0) {
    const rootNames = await usable.source.listChildren("");
    assertNoMissingLabels(
      spec.root,
      listing,
      NATIVE_LAYOUTS[spec.set].missingLabelHint +
        ", or use this data set as the unlabeled target only" +
        unsupportedArchiveHint(rootNames ?? []),
    );
  }
  return fileDataSet(withProblemNotes(listing));
}

/** Finds the files. Throws like {@linkcode openNative}, but not for missing files. */
export async function listNativeFiles(spec: NativeSpec): Promise<DataSetListing> {
  const layout = NATIVE_LAYOUTS[spec.set];
  const split = spec.split ?? null;
  if (split !== null) assertRelativePath(split, '"split"');
  const root = spec.root.replaceAll("{split}", split ?? "{split}");
  const opened = await openSource({ ...spec, root });
  const { found, source } = await withExtraLabels(
    await findFiles(opened, layout, spec),
    opened,
    layout,
    { ...spec, root },
  );
  const images = withComposedNames(found.images);
  const labels = withComposedNames(found.labels);

  const present = [...images.keys()].sort();
  const listed = found.splitNames === null ? null : new Set(found.splitNames);
  const inSplit = listed === null ? present : present.filter((name) => listed.has(name));
  const { names, notes } = await selectImages({
    folder: found.address,
    leftOut: found.otherImages,
    root: spec.root,
    paths: new Map(inSplit.map((name) => [name, images.get(name) ?? name])),
    nameOf: layout.nameOf,
    labelOf: (name) => spec.labeled ? labels.get(name) ?? null : null,
  }, spec);
  const { imageFolders, labelFolders } = found;
  const remarks = remarksOf(source, [...imageFolders, ...labelFolders]);
  const expected = spec.labeled
    ? names.filter((name) => layout.excluded?.names.has(name) !== true)
    : names;
  const excludedCount = names.length - expected.length;
  const usable = spec.labeled ? expected.filter((name) => labels.has(name)) : expected;
  return {
    address: found.address,
    expectedCount: expected.length,
    foundCount: names.length,
    missingLabels: usable.length === expected.length
      ? []
      : expected.filter((name) => !labels.has(name)).map(found.expectedLabel),
    orphanLabels: [...labels]
      .filter(([name]) => !images.has(name) && !isGeneratedLabel(name))
      .map(([, path]) => source.displayPath(path)).sort(),
    missingImages: [...listed ?? []].filter((name) => !images.has(name)),
    splitListCount: listed?.size ?? 0,
    problems: remarks.problems,
    labelsInstead: spec.labeled && labels.size === 0
      ? await describeLabelFolder(source, labelFolders)
      : null,
    usable: {
      ...nativeDecoder(spec),
      name: found.address,
      source,
      statisticsFolder: opened.isArchive ? null : root,
      labelMeaning: spec.set,
      samples: usable.map((name) => ({
        name,
        image: images.get(name) ?? name,
        label: spec.labeled ? labels.get(name) ?? null : null,
      })),
      notes: [
        ...remarks.notes,
        ...(layout.excluded === undefined || excludedCount === 0
          ? []
          : [layout.excluded.note(excludedCount)]),
        ...(imageFolders.length === 1 ? [] : [
          `images of ${layout.title} are read from ${imageFolders.length} folders: ` +
          quoteNames(imageFolders.map((folder) => source.displayPath(folder))),
        ]),
        ...otherImageNotes(found.otherImages, found.address),
        ...notes,
      ],
    },
  };
}

// What lies where no label is; null: nothing.
async function describeLabelFolder(
  source: FileSource,
  [folder]: readonly string[],
): Promise<string | null> {
  const files = folder === undefined ? null : await source.list(folder);
  if (folder === undefined || files === null || files.length === 0) return null;
  return `"${source.displayPath(folder)}" holds ${quoteNames(files)}`;
}

// Disks and lists may write one letter as one code point or as two.
const withComposedNames = (files: ReadonlyMap<string, string>) =>
  new Map([...files].map(([name, path]) => [name.normalize("NFC"), path]));

/** What decodes the files of such a data set, wherever they are. */
export const nativeDecoder = (
  { set, labeled, pixelFormat }: NativeSpec,
): SampleDecoder => ({
  classes: NATIVE_LAYOUTS[set].classes,
  labeled,
  pixelFormat,
  decode: labelDecoder(NATIVE_LAYOUTS[set]),
});

// Made outside of listNativeFiles(): a function made inside would keep its lists alive.
const labelDecoder =
  ({ decoderOf }: NativeLayout): SampleDecoder["decode"] => (bytes, file, path) =>
    decoderOf(path)(bytes, file);

// What the PyTorch code's converters write beside the labels of GTA5 and SYNTHIA.
const isGeneratedLabel = (name: string) => name.endsWith("_labelTrainIds");

// Adds labels that were published apart to images without one. Throws if they are not where
// the description says.
async function withExtraLabels(
  found: FoundFiles,
  { source, isArchive }: OpenedSource,
  { extraLabels, title }: NativeLayout,
  { labeled, root, sbd = null, cacheFolder = null }: NativeSpec,
): Promise<{ found: FoundFiles; source: FileSource }> {
  if (extraLabels === undefined && sbd !== null) {
    throw new RangeError(`Cannot use "sbd": ${title} takes no such labels: leave it out`);
  }
  const isComplete = found.splitNames?.every((name) => found.labels.has(name)) ?? false;
  if (extraLabels === undefined || !labeled || isComplete) return { found, source };
  const labelRoot = sbd ?? (isArchive ? null : await extraLabels.findUnpackedRoot(root));
  const mounted = labelRoot === null ? source : mountSource(
    source,
    MOUNT_FOLDER,
    (await openSource({ root: labelRoot, cacheFolder })).source,
  );
  const extra = await extraLabels.find(mounted, labelRoot && MOUNT_FOLDER);
  if (extra === null) {
    if (sbd === null) return { found, source };
    throw new RangeError(
      `Cannot find labels in "${sbd}": name the folder or the archive that holds ` +
        extraLabels.expectedContents,
    );
  }
  return {
    source: mounted,
    found: {
      ...found,
      labels: new Map([...extra.labels, ...found.labels]), // the set's own take precedence
      expectedLabel: (name) => mounted.displayPath(extra.expectedLabel(name)),
    },
  };
}

async function findFiles(
  { source, isArchive }: OpenedSource,
  layout: NativeLayout,
  spec: NativeSpec,
): Promise<FoundFiles> {
  const split = spec.split ?? null;
  const native = await layout.findFiles(source, { split, labeled: spec.labeled });
  if (native !== null) {
    assertSplit(layout, spec);
    return native;
  }
  const shards = isArchive
    ? await findShards(source, layout.nameOf, layout.extraLabels?.shardExtensions ?? [])
    : null;
  if (shards === null) throw await notFoundError(source, layout);
  // Shards do not say which split they are of, and none may be trained and evaluated on.
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
      `Cannot use "split": "${split}": ${title} has no splits: choose images with ` +
        '"include" or "list"',
    );
  }
  if ((split ?? null) !== null || (list ?? null) !== null) return;
  throw new RangeError(
    `Cannot use ${title} as a whole: give its "split", ${
      quoteNames(splits)
    }, or a "list"`,
  );
}

async function notFoundError(
  source: FileSource,
  layout: NativeLayout,
): Promise<RangeError> {
  const childNames = await source.listChildren("");
  const state = childNames === null
    ? "there is no such folder"
    : `it holds ${quoteNames(childNames)}${unsupportedArchiveHint(childNames)}`;
  return new RangeError(
    `Cannot find ${layout.title} in "${source.name}": ${state}: name the folder that ` +
      `holds ${layout.expectedContents}`,
  );
}
