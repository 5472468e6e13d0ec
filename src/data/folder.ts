/**
 * Data sets in folders:
 *
 * ```text
 * ROOT/images/<split>/<stem>.jpg      or .jpeg, .png; folders below <split> are part of the stem
 * ROOT/labels/<split>/<stem>.png      8-bit class ids, gray or palette; 255 is ignored
 * ```
 *
 * The folders may have other names, stems may have suffixes, and both may be in archives.
 *
 * @module
 */

import type { FilePattern, FolderSpec } from "./data_spec.ts";
import type { DataSet, SampleFiles } from "./data_set.ts";
import { createLabelLookup, decodeLabel, type LabelLookup } from "./decode_label.ts";
import {
  assertNoMissingLabels,
  type DataSetListing,
  fileDataSet,
  imagesByStem,
  type SampleDecoder,
  stemOfListLine,
} from "./file_data_set.ts";
import { assertRelativePath, selectStems } from "./selection.ts";
import { type FileSource, isHidden, joinPath, quoteNames } from "./source/file_source.ts";
import { openSource, unsupportedArchiveHint } from "./source/open_source.ts";

/** What files are called unless the description says otherwise. */
export const DEFAULT_FILE_PATTERN: FilePattern = {
  images: "images/{split}",
  labels: "labels/{split}",
  imageSuffix: "",
  labelSuffix: "",
};

/**
 * Opens a folder data set.
 *
 * @throws {RangeError} If the folder is missing, no image fits the selection, two images
 *   share a stem, or a label is missing.
 */
export async function openFolder(spec: FolderSpec): Promise<DataSet> {
  const listing = await listFolderFiles(spec);
  assertNoMissingLabels(
    spec.root,
    listing,
    "add it, or use this data set as the unlabeled target only",
  );
  return fileDataSet(listing.usable);
}

/** Finds the files of a folder data set. Throws like {@linkcode openFolder}, but for labels. */
export async function listFolderFiles(spec: FolderSpec): Promise<DataSetListing> {
  const { root, split, labeled, files = DEFAULT_FILE_PATTERN } = spec;
  const { imageSuffix } = files;
  assertRelativePath(split, '"split"');
  const folderOf = (key: "images" | "labels") => {
    assertRelativePath(files[key], `"files.${key}"`);
    return files[key].replaceAll("{split}", split);
  };
  const [imageFolder, labelFolder] = [folderOf("images"), folderOf("labels")];
  const { source } = await openSource({
    ...spec,
    root: root.replaceAll("{split}", split),
  });
  const decoder = folderDecoder(spec);

  const address = source.displayPath(imageFolder);
  const images = imagesByStem(
    await listFiles(source, imageFolder, files),
    address,
    imageSuffix,
  );
  const nameOf = (line: string) => stemOfListLine(line, imageFolder, imageSuffix);
  const found = [...images.keys()].sort();
  const names = await selectStems(found, spec, address, root, nameOf);
  const labelSuffix = `${files.labelSuffix}.png`;
  const labels = new Set(labeled ? await listFiles(source, labelFolder, files) : []);
  const hasLabel = (name: string) => labels.has(name + labelSuffix);
  const labelPath = (file: string) => source.displayPath(joinPath(labelFolder, file));
  const isOrphanLabel = (file: string) =>
    file.endsWith(labelSuffix) && !isHidden(file) &&
    !images.has(file.slice(0, -labelSuffix.length));
  const usable = labeled ? names.filter(hasLabel) : names;
  const layout: FolderLayout = {
    images: imageFolder,
    labels: labeled ? labelFolder : null,
    labelSuffix,
  };
  return {
    address,
    expectedCount: names.length,
    foundCount: names.length,
    missingLabels: usable.length === names.length ? [] : names
      .filter((name) => !hasLabel(name)).map((name) => labelPath(name + labelSuffix)),
    orphanLabels: [...labels].filter(isOrphanLabel).sort().map(labelPath),
    missingImages: [],
    splitListCount: 0,
    usable: {
      ...decoder,
      name: address,
      source,
      statisticsFolder: root,
      labelMeaning: spec.labelMap ?? null,
      samples: usable.map((name) =>
        new FolderSampleFiles(name, images.get(name) ?? name, layout)
      ),
    },
  };
}

/** What decodes the files of such a data set, wherever they are. */
export const folderDecoder = (
  { classes, labelMap = null, labeled }: FolderSpec,
): SampleDecoder => ({
  classes,
  labeled,
  decode: labelDecoder(createLabelLookup(classes, labelMap)),
});

// Made outside of listFolderFiles(): a function made inside would keep its lists alive.
const labelDecoder = (lookup: LabelLookup): SampleDecoder["decode"] => (bytes, file) =>
  decodeLabel(bytes, file, lookup);

/** What the files of all samples have in common. */
interface FolderLayout {
  readonly images: string;
  /** Null in a set without labels. */
  readonly labels: string | null;
  /** What follows an image's name in that of its label. */
  readonly labelSuffix: string;
}

/**
 * Files whose paths are put together when they are read: every thread that lists a data set
 * keeps all its names, and for a hundred thousand of them that counts.
 */
class FolderSampleFiles implements SampleFiles {
  /** @param file The image's, from the folder of images. */
  constructor(
    readonly name: string,
    private readonly file: string,
    private readonly folder: FolderLayout,
  ) {}

  get image(): string {
    return joinPath(this.folder.images, this.file);
  }

  get label(): string | null {
    const { labels, labelSuffix } = this.folder;
    return labels === null ? null : joinPath(labels, this.name + labelSuffix);
  }
}

// Every file below a folder, or an error that says how far the path exists.
async function listFiles(
  source: FileSource,
  folder: string,
  { images, labels }: FilePattern,
): Promise<readonly string[]> {
  const found = await source.list(folder);
  if (found !== null) return found;
  const parent = folder.includes("/") ? folder.replace(/\/[^/]*$/, "") : "";
  const present = parent === "" ? null : await source.listChildren(parent);
  const siblings = await source.listChildren("");
  const [image, label] = [images, labels].map((pattern) => pattern.replace(/\/.*$/, ""));
  const foundInstead = present !== null
    ? `"${source.displayPath(parent)}" holds ${quoteNames(present)}: correct "split"`
    : siblings !== null
    ? `"${source.name}" holds ${quoteNames(siblings)}: it should hold "${image}" and ` +
      `"${label}"${unsupportedArchiveHint(siblings)}`
    : `there is no folder "${source.name}" either: correct "data.root"`;
  throw new RangeError(
    `Cannot use the data set: there is no folder "${
      source.displayPath(folder)
    }": ${foundInstead}`,
  );
}
