/**
 * Data sets in folders:
 *
 * ```text
 * ROOT/images/<split>/<stem>.jpg      or .jpeg, .png, .tif, .tiff; folders below <split> are
 *                                     part of the stem
 * ROOT/labels/<split>/<stem>.png      class ids, gray or palette; 255 is ignored; or .tif, .tiff
 * ```
 *
 * The folders may have other names, stems may have suffixes, and both may be in archives.
 *
 * @module
 */

import type { FilePattern, FolderSpec } from "./data_spec.ts";
import type { DataSet, SampleFiles } from "./data_set.ts";
import {
  CLASS_ID_ENCODING,
  createLabelLookup,
  decodeLabel,
  type LabelLookup,
} from "./decode_label.ts";
import { classColors, type LabelColors } from "./label_colors.ts";
import {
  assertNoMissingLabels,
  type DataSetListing,
  describeLabelsInstead,
  describeOtherImages,
  fileDataSet,
  imagesByStem,
  LABEL_EXTENSIONS,
  otherImageNotes,
  remarksOf,
  type SampleDecoder,
  stemOfListLine,
  withProblemNotes,
} from "./file_data_set.ts";
import { assertRelativePath, selectImages } from "./selection.ts";
import {
  type FileSource,
  isHidden,
  isInFolder,
  joinPath,
  quoteNames,
} from "./source/file_source.ts";
import { openSource, unsupportedArchiveHint } from "./source/open_source.ts";

/** What files are called unless the description says otherwise. */
export const DEFAULT_FILE_PATTERN: FilePattern = {
  images: "images/{split}",
  labels: "labels/{split}",
  imageSuffix: "",
  labelSuffix: "",
};

/** A folder of archives made by macOS, with a hidden file for each of the others. */
const MAC_FORKS = "__MACOSX";

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
  return fileDataSet(withProblemNotes(listing));
}

/** Finds the files of a folder data set. Throws like {@linkcode openFolder}, but for labels. */
export async function listFolderFiles(spec: FolderSpec): Promise<DataSetListing> {
  const { root, split, labeled, files = DEFAULT_FILE_PATTERN } = spec;
  const { imageSuffix } = files;
  const place = root.replaceAll("{split}", split);
  const { source } = await openSource({ ...spec, root: place });
  const imageFolder = await findFolder(source, folderOfPattern(files, "images", split));
  const labelPlace = folderOfPattern(files, "labels", split);
  const labelFolder = labeled ? await findFolder(source, labelPlace) : labelPlace;
  const decoder = folderDecoder(spec);

  const address = source.displayPath(imageFolder);
  const imageFiles = await listFiles(source, imageFolder, [files.images, files.labels]);
  const isShared = isSameFolder(imageFolder, labelFolder);
  // Side by side under the same stems, PNGs are the labels of JPEGs.
  const areLabelsPngs = imageFolder === labelFolder && imageSuffix === files.labelSuffix;
  const allImages = imagesByStem(
    areLabelsPngs ? imageFiles.filter((file) => !isPng(file)) : imageFiles,
    address,
    imageSuffix,
  );
  const images = withoutLabels(allImages, files, isShared);
  const labelCount = isShared ? 0 : allImages.size - images.size;
  const labelFiles = labeled && images.size > 0
    ? (labelFolder === imageFolder
      ? imageFiles
      : await listFiles(source, labelFolder, [files.images, files.labels]))
    : [];
  const labels = labelsByStem(
    areLabelsPngs ? labelFiles.filter(isPng) : labelFiles,
    files.labelSuffix,
  );
  const labelOf = (name: string) => labels.get(name.normalize("NFC")) ?? null;
  const otherImages = describeOtherImages(imageFiles);
  const pngLabels = areLabelsPngs && images.size === 0 && imageFiles.some(isPng)
    ? '.png files, which are labels as long as "files" has no suffix for them'
    : null;
  const visibleFiles = imageFiles.filter((file) => !isHidden(file));
  const otherFiles = allImages.size === 0 && visibleFiles.length > 0
    ? `other files: ${quoteNames(visibleFiles)}`
    : null;
  const { names, notes } = await selectImages({
    folder: address,
    leftOut: pngLabels ?? otherImages ?? otherFiles,
    root: place,
    paths: new Map(
      [...images.keys()].sort().map((
        name,
      ) => [name, joinPath(imageFolder, images.get(name) ?? name)]),
    ),
    nameOf: (line) => stemOfListLine(line, imageFolder, imageSuffix),
    labelOf(name) {
      const file = labelOf(name);
      return file === null ? null : joinPath(labelFolder, file);
    },
  }, spec);
  const labelSuffix = `${files.labelSuffix}.png`;
  const labelPath = (file: string) => source.displayPath(joinPath(labelFolder, file));
  const imageKeys = new Set([...images.keys()].map((name) => name.normalize("NFC")));
  const usable = labeled ? names.filter((name) => labelOf(name) !== null) : names;
  const missing = labeled ? names.filter((name) => labelOf(name) === null) : [];
  const layout: FolderLayout = {
    images: imageFolder,
    labels: labeled ? labelFolder : null,
    labelSuffix,
  };
  const remarks = remarksOf(source, [imageFolder, ...labeled ? [labelFolder] : []]);
  return {
    address,
    expectedCount: names.length,
    foundCount: names.length,
    missingLabels: missing.map((name) => labelPath(name + labelSuffix)),
    labelsInstead: missing.length === 0 ? null : describeLabelsInstead(
      labelFiles,
      source.displayPath(labelFolder),
      missing.map((name) => name + files.labelSuffix),
      usable.length === 0,
    ),
    orphanLabels: [...labels].filter(([stem]) => !imageKeys.has(stem))
      .map(([, file]) => labelPath(file)).sort(),
    missingImages: [],
    splitListCount: 0,
    problems: remarks.problems,
    usable: {
      ...decoder,
      name: address,
      source,
      statisticsFolder: root,
      labelMeaning: labelMeaning(spec),
      samples: usable.map((name) => {
        const label = labelOf(name);
        const isUsual = label === null || label === name + labelSuffix;
        const file = images.get(name) ?? name;
        return new FolderSampleFiles(name, file, isUsual ? null : label, layout);
      }),
      notes: [
        ...remarks.notes,
        ...otherImageNotes(otherImages, address),
        ...(labelCount === 0 ? [] : [
          `left out ${labelCount} files of "${address}" that carry the suffix of labels, ` +
          `"${files.labelSuffix}"`,
        ]),
        ...notes,
      ],
    },
  };
}

const isPng = (file: string): boolean => /\.png$/i.test(file);

const isSameFolder = (images: string, labels: string): boolean =>
  images === labels || isInFolder(images, labels) || isInFolder(labels, images);

// Where labels lie among images, or with a copy among them, their suffix tells them apart.
function withoutLabels(
  images: Map<string, string>,
  { imageSuffix, labelSuffix }: FilePattern,
  isShared: boolean,
): Map<string, string> {
  if (labelSuffix === "" || imageSuffix.endsWith(labelSuffix)) return images;
  const isLabel = (stem: string) =>
    stem.endsWith(labelSuffix) &&
    (isShared || images.has(stem.slice(0, -labelSuffix.length)));
  return new Map([...images].filter(([stem]) => !isLabel(stem)));
}

/** Labels by the composed form of their images' stems; endings in any case, ".png" first. */
function labelsByStem(files: readonly string[], suffix: string): Map<string, string> {
  const labels = new Map<string, string>();
  const ending = `${suffix}.png`.normalize("NFC");
  for (const file of files) {
    if (isHidden(file) || !LABEL_EXTENSIONS.test(file)) continue;
    const composed = file.replace(LABEL_EXTENSIONS, ".png").normalize("NFC");
    if (!composed.endsWith(ending)) continue;
    const stem = composed.slice(0, -ending.length);
    if (!labels.has(stem) || file.endsWith(".png")) labels.set(stem, file);
  }
  return labels;
}

/** What decodes the files of such a data set, wherever they are. */
export const folderDecoder = (
  { classes, labelMap = null, hasClassColors = true, labeled, pixelFormat }: FolderSpec,
): SampleDecoder => ({
  classes,
  labeled,
  pixelFormat,
  decode: labelDecoder(
    createLabelLookup(classes, labelMap),
    hasClassColors ? classColors(classes, labelMap === null) : null,
  ),
});

// Made outside of listFolderFiles(): a function made inside would keep its lists alive.
const labelDecoder =
  (lookup: LabelLookup, colors: LabelColors | null): SampleDecoder["decode"] =>
  (bytes, file) => decodeLabel(bytes, file, lookup, CLASS_ID_ENCODING, colors);

/** What the files of all samples have in common. */
interface FolderLayout {
  readonly images: string;
  /** Null in a set without labels. */
  readonly labels: string | null;
  /** What follows an image's name in that of its label. */
  readonly labelSuffix: string;
}

/** What label values mean, for caches of what is counted. */
const labelMeaning = (
  { classes, labelMap = null, hasClassColors = true }: FolderSpec,
) => ({
  labelMap,
  colors: hasClassColors ? classes.map(({ color }) => color) : null,
});

/**
 * Files whose paths are put together when they are read: every thread that lists a data set
 * keeps all its names, and for a hundred thousand of them that counts.
 */
class FolderSampleFiles implements SampleFiles {
  /**
   * @param file The image's, from the folder of images.
   * @param labelFile Likewise, where its name is not the image's; else null.
   */
  constructor(
    readonly name: string,
    private readonly file: string,
    private readonly labelFile: string | null,
    private readonly folder: FolderLayout,
  ) {}

  get image(): string {
    return joinPath(this.folder.images, this.file);
  }

  get label(): string | null {
    const { labels, labelSuffix } = this.folder;
    if (labels === null) return null;
    return joinPath(labels, this.labelFile ?? this.name + labelSuffix);
  }
}

/** The path that an entry of "files" means for a split; "" for the root itself. */
export function folderOfPattern<Key extends string>(
  files: Readonly<Record<Key, string>>,
  key: Key,
  split: string,
): string {
  assertRelativePath(split, '"split"');
  assertRelativePath(files[key], `"files.${key}"`);
  return files[key].replaceAll("{split}", split).split("/")
    .filter((part) => part !== "" && part !== ".").join("/");
}

/**
 * Where a folder is: in the root, or in the only folder of the root that has it, as archives
 * of one folder and folders made by unpacking one do.
 */
export async function findFolder(source: FileSource, folder: string): Promise<string> {
  // Where only the split is missing, that of another copy is not what was meant.
  if (await source.findFirst([folder.replace(/\/.*$/, "")]) !== null) return folder;
  const places = (await source.listChildren("") ?? [])
    .filter((name) => !isHidden(name) && name !== MAC_FORKS)
    .map((name) => joinPath(name, folder));
  const found: string[] = [];
  for (const place of places) {
    if (await source.findFirst([place]) !== null) found.push(place);
  }
  const [only = folder] = found;
  return found.length > 1 ? folder : only;
}

/**
 * Every file below a folder.
 *
 * @param patterns What else the root should hold, for the message.
 * @throws {RangeError} If there is no such folder, saying how far the path exists.
 */
export async function listFiles(
  source: FileSource,
  folder: string,
  patterns: readonly [string, string],
): Promise<readonly string[]> {
  const found = await source.list(folder);
  if (found !== null) return found;
  const parent = folder.includes("/") ? folder.replace(/\/[^/]*$/, "") : "";
  const present = parent === "" ? null : await source.listChildren(parent);
  const siblings = await source.listChildren("");
  const expected = patterns.map((pattern) => `"${pattern.replace(/\/.*$/, "")}"`);
  const foundInstead = present !== null
    ? `"${source.displayPath(parent)}" holds ${quoteNames(present)}: correct "split"`
    : siblings !== null
    ? `"${source.name}" holds ${quoteNames(siblings)}: it should hold ` +
      `${[...new Set(expected)].join(" and ")}${unsupportedArchiveHint(siblings)}`
    : `there is no folder "${source.name}" either: correct "data.root"`;
  throw new RangeError(
    `Cannot use the data set: there is no folder "${
      source.displayPath(folder)
    }": ${foundInstead}`,
  );
}
