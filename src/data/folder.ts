/**
 * Data sets in folders:
 *
 * ```text
 * ROOT/images/<split>/<stem>.jpg      or .jpeg, .png; folders below <split> are part of the stem
 * ROOT/labels/<split>/<stem>.png      8-bit class ids, grey or palette; 255 is ignored
 * ```
 *
 * The folders may have other names, stems may have suffixes, and both may be in archives.
 *
 * @module
 */

import type { ClassInfo } from "../core/host_batch.ts";
import type { DataSet } from "./data_set.ts";
import { FolderPair } from "./folder_pair.ts";
import type { Inventory } from "./inventory.ts";
import { decodeLabel, type LabelTable, labelTable } from "./label_map.ts";
import { pairedDataSet, type PairSet, picturesByStem, stemOf } from "./picture_pairs.ts";
import { assertInside, select, type Selection } from "./selection.ts";
import { below, type FileSource, quoted } from "./source/file_source.ts";
import { openSource, sealedHint, type SourcePlace } from "./source/open_source.ts";

/** What the files of a folder data set are called. */
export interface FilePattern {
  /** The folder of the images; `{split}` stands for the split's name. */
  readonly images: string;
  /** The folder of the labels, likewise. */
  readonly labels: string;
  /** Between an image's stem and its ending. */
  readonly imageSuffix: string;
  /** Between a label's stem and ".png". */
  readonly labelSuffix: string;
}

/** As above. */
export const FILE_PATTERN: FilePattern = {
  images: "images/{split}",
  labels: "labels/{split}",
  imageSuffix: "",
  labelSuffix: "",
};

/** Describes a folder data set. */
export interface FolderSpec extends Selection, SourcePlace {
  readonly kind: "folder";
  /** What holds "images" and "labels". */
  readonly root: string;
  /** The folder below both. */
  readonly split: string;
  /** What files are called; {@linkcode FILE_PATTERN} if left out. */
  readonly files?: FilePattern;
  /** Index = class id. */
  readonly classes: readonly ClassInfo[];
  /** From file value to class id or 255; null or left out if values are class ids. */
  readonly labels?: Readonly<Record<string, number>> | null;
  /** Whether labels are needed; if not, they are neither looked for nor read. */
  readonly labelled: boolean;
}

/**
 * Opens a folder data set.
 *
 * @throws {RangeError} If the folder is missing, no picture fits the selection, two
 *   pictures share a stem, or a label is missing.
 */
export async function openFolder(spec: FolderSpec): Promise<DataSet> {
  const { set, missing, wanted } = await folderInventory(spec);
  const [first] = missing;
  if (first !== undefined) {
    throw new RangeError(
      `Cannot use the data set "${spec.root}": the label "${first}" is missing ` +
        `(${missing.length} of ${wanted} pictures have none): add it, or use this set ` +
        "as a target only",
    );
  }
  return pairedDataSet(set);
}

/** Finds the files of a folder data set. Throws like {@linkcode openFolder}, but for labels. */
export async function folderInventory(spec: FolderSpec): Promise<Inventory> {
  const { root, split, classes, labelled, files = FILE_PATTERN } = spec;
  const { imageSuffix, labelSuffix } = files;
  assertInside(split, '"split"');
  const [imageFolder, labelFolder] = ([["images", files.images], [
    "labels",
    files.labels,
  ]] as const).map(([key, pattern]) => {
    assertInside(pattern, `"files.${key}"`);
    return pattern.replaceAll("{split}", split);
  }) as [string, string];
  const { source } = await openSource({
    ...spec,
    root: root.replaceAll("{split}", split),
  });
  const table = labelTable(classes, spec.labels ?? null);

  const imagesAt = source.address(imageFolder);
  const listed = await listFiles(source, imageFolder, files);
  const images = picturesByStem(listed, imagesAt, imageSuffix);
  const nameOf = (line: string) => stemOf(line, imageFolder, imageSuffix);
  const names = await select([...images.keys()].sort(), spec, imagesAt, root, nameOf);
  const labelFile = (name: string) => `${name}${labelSuffix}.png`;
  const labelOf = (name: string) => below(labelFolder, labelFile(name));

  const labels = new Set(labelled ? await listFiles(source, labelFolder, files) : []);
  const good = labelled ? names.filter((name) => labels.has(labelFile(name))) : names;
  const isSpare = (file: string) =>
    file.endsWith(labelFile("")) && !/(^|\/)\./.test(file) &&
    !images.has(file.slice(0, -labelFile("").length));

  const pairsIn = {
    images: imageFolder,
    labels: labelled ? labelFolder : null,
    labelEnding: labelFile(""),
  };
  return {
    folder: imagesAt,
    wanted: names.length,
    found: names.length,
    missing: good.length === names.length ? [] : names
      .filter((name) => !labels.has(labelFile(name)))
      .map((name) => source.address(labelOf(name))),
    spare: [...labels].filter(isSpare).sort()
      .map((file) => source.address(below(labelFolder, file))),
    lost: [],
    listed: 0,
    set: {
      name: imagesAt,
      classes,
      labelled,
      source,
      folder: root,
      meaning: spec.labels ?? null,
      pairs: good.map((name) => new FolderPair(name, images.get(name) ?? name, pairsIn)),
      decode: decoderOf(table),
    },
  };
}

/** What reads the files of such a data set, wherever they are. */
export const folderReader = ({ classes, labels = null, labelled }: FolderSpec) => ({
  classes,
  labelled,
  decode: decoderOf(labelTable(classes, labels)),
});

// Made out here: a function made in there would keep every list in there alive.
const decoderOf = (table: LabelTable): PairSet["decode"] => (bytes, file) =>
  decodeLabel(bytes, file, table);

// Every file below a folder, or an error that says how far the path exists.
async function listFiles(
  source: FileSource,
  folder: string,
  { images, labels }: FilePattern,
): Promise<readonly string[]> {
  const found = await source.list(folder);
  if (found !== null) return found;
  const parent = folder.includes("/") ? folder.replace(/\/[^/]*$/, "") : "";
  const present = parent === "" ? null : await source.children(parent).catch(() => null);
  const siblings = await source.children("").catch(() => null);
  const [image, label] = [images, labels].map((pattern) => pattern.replace(/\/.*$/, ""));
  const there = present !== null
    ? `"${source.address(parent)}" holds ${quoted(present)}: correct "split"`
    : siblings !== null
    ? `"${source.name}" holds ${quoted(siblings)}: it should hold "${image}" and ` +
      `"${label}"${sealedHint(siblings)}`
    : `"${source.name}" cannot be read either: correct "data.root"`;
  throw new RangeError(
    `Cannot use the data set: there is no folder "${source.address(folder)}": ${there}`,
  );
}
