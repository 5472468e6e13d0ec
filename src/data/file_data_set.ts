/** Images and their labels, in files of any source, as a data set. @module */

import { createHash } from "node:crypto";
import {
  type ClassInfo,
  type PixelFormat,
  RGB_FORMAT,
  type Size,
} from "../core/host_batch.ts";
import { decodeRaster, type RgbImage } from "../formats/image_codec.ts";
import { filesIdentity } from "./data_identity.ts";
import type {
  DataSet,
  LabelMap,
  LabelPart,
  SampleFiles,
  UnpackedFiles,
} from "./data_set.ts";
import { type FileSource, isHidden, quoteNames } from "./source/file_source.ts";

/** Files whose size and date are requested at a time. */
const STAT_CONCURRENCY = 256;

/** What decodes the files of a data set. */
export interface SampleDecoder {
  readonly classes: readonly ClassInfo[];
  readonly labeled: boolean;
  /** Channels and bits of the images; undefined: RGB of 8 bits. */
  readonly pixelFormat: PixelFormat | undefined;
  /** Turns a label file into class ids; `file` is its name in messages. */
  readonly decode: (bytes: Uint8Array, file: string, path: string) => LabelMap;
}

/** Everything that makes a data set of files. */
export interface DataSetFiles extends SampleDecoder {
  /** For messages. */
  readonly name: string;
  readonly source: FileSource;
  /** Sorted by name. */
  readonly samples: readonly SampleFiles[];
  /** What label values mean: caches of what was counted depend on it. */
  readonly labelMeaning: unknown;
  /** A folder in which other tools may have left their statistics; null for none. */
  readonly statisticsFolder: string | null;
  /** What a user should know, a sentence each. */
  readonly notes?: readonly string[];
  /** Those of which labels are parts. */
  readonly annotationFiles?: readonly string[];
  /** Where threads find the images that are handed to them with such labels. */
  readonly imageRoot?: string;
}

/** The files of a data set, and what is missing among them. */
export interface DataSetListing {
  /** The images that can be used. */
  readonly usable: DataSetFiles;
  /** How many there should be: the usable ones, and those without a label. */
  readonly expectedCount: number;
  /** How many were found, with those that are left out because they are known to be bad. */
  readonly foundCount: number;
  /** The paths of labels that do not exist, for messages. */
  readonly missingLabels: readonly string[];
  /** Labels without an image, likewise. */
  readonly orphanLabels: readonly string[];
  /** Names of images that a list of the data set itself has, and that do not exist. */
  readonly missingImages: readonly string[];
  /** How many images that list has; 0 if there is none. */
  readonly splitListCount: number;
  /** Where the images are, for messages. */
  readonly address: string;
  /** What is left out and to be mended, a sentence each. */
  readonly problems: readonly string[];
  /** What has to be mended before the set can be used, a sentence each. */
  readonly faults?: readonly string[];
  /** What there is in place of missing labels, for messages; null: nothing. */
  readonly labelsInstead: string | null;
}

/** Makes a data set that reads files when they are needed. */
export function fileDataSet(set: DataSetFiles): DataSet {
  const { name, source, samples, classes, labeled, statisticsFolder, notes = [] } = set;
  const { pixelFormat = RGB_FORMAT } = set;
  const labelOf = ({ name: image, label }: SampleFiles): string | LabelPart => {
    if (label !== null) return label;
    throw new RangeError(`Cannot read the label of "${image}" of "${name}": no labels`);
  };
  const readLabel = async (index: number): Promise<LabelMap> => {
    return await decodeLabelOf(set, labelOf(sampleFilesAt(set, index)));
  };

  return {
    name,
    classes,
    names: samples.map(({ name }) => name),
    labeled,
    statisticsFolder,
    notes,
    unpacked: unpackedFiles(set),
    readLabel,

    async read(index) {
      const files = sampleFilesAt(set, index);
      const file = source.displayPath(files.image);
      const labelPromise = labeled ? readLabel(index) : null;
      labelPromise?.catch(() => {}); // where both are damaged, the image is named
      const image = await decodeRaster(await source.read(files.image), file, pixelFormat);
      const label = await labelPromise;
      if (label !== null) {
        assertSameSize(image, file, label, labelTitle(source, labelOf(files)));
      }
      const { data, ...rest } = image;
      return { ...rest, name: files.name, image: data, label: label?.data ?? null };
    },

    fingerprint: () => filesFingerprint(set, "labels"),
    identity: () => filesIdentity(source, samples),
  };
}

/** Reads and decodes a label. */
export async function decodeLabelOf(
  { source, decode }: Pick<DataSetFiles, "source" | "decode">,
  label: string | LabelPart,
): Promise<LabelMap> {
  const title = labelTitle(source, label);
  return typeof label === "string"
    ? decode(await source.read(label), title, label)
    : decode(label.bytes, title, label.path);
}

/** What a label is called in messages. */
export const labelTitle = (source: FileSource, label: string | LabelPart): string =>
  typeof label === "string"
    ? source.displayPath(label)
    : `${source.displayPath(label.path)}: ${label.title}`;

/** The files of one image. @throws {RangeError} If there is no such image. */
export function sampleFilesAt({ name, samples }: DataSetFiles, index: number) {
  const files = samples[index];
  if (files !== undefined) return files;
  throw new RangeError(
    `Cannot read image ${index} of "${name}": there are ${samples.length}`,
  );
}

/** The files of a set, if they all lie in a folder or bring their labels; else null. */
export function unpackedFiles(
  { source, samples, imageRoot }: DataSetFiles,
): UnpackedFiles | null {
  const root = imageRoot ?? source.unpackedRoot?.() ?? null;
  if (root === null) return null;
  return {
    root,
    slice: (from, to) =>
      samples.slice(from, to).map(({ name, image, label }) => ({ name, image, label })),
  };
}

/** Changes whenever what labels mean, the images, or one of the chosen files may have. */
export async function filesFingerprint(
  { source, samples, classes, labelMeaning, annotationFiles = [] }: DataSetFiles,
  chosen: "labels" | "all",
): Promise<string> {
  const isLabelPart = annotationFiles.length > 0; // put together where it is asked for
  const filesOf = (sample: SampleFiles) => {
    const label = isLabelPart ? null : sample.label;
    return [
      ...(chosen === "all" ? [sample.image] : []),
      ...(typeof label === "string" ? [label] : []),
    ];
  };
  const hash = createHash("sha256");
  hash.update(JSON.stringify([classes.map(({ name }) => name), labelMeaning]));
  for (let at = 0; at < samples.length; at += STAT_CONCURRENCY) {
    const chunk = samples.slice(at, at + STAT_CONCURRENCY);
    const lines = await Promise.all(chunk.map(async (sample) => {
      const files = await Promise.all(filesOf(sample).map(source.fingerprint));
      return `${sample.name}\n${files.join("\n")}\n`;
    }));
    hash.update(lines.join(""));
  }
  for (const path of annotationFiles) hash.update(`${await source.fingerprint(path)}\n`);
  return hash.digest("hex");
}

/** @throws {RangeError} If an image and its label differ in size; names their files. */
export function assertSameSize(
  image: Omit<RgbImage, "data">,
  imageFile: string,
  label: Size,
  labelFile: string,
): void {
  const { width, height, orientation } = image;
  if (label.width === width && label.height === height) return;
  const [turned, cure] = orientation === undefined
    ? ["", "both must have the same size"]
    : [
      `, turned by its EXIF orientation ${orientation},`,
      "turn the label too, or save the image without EXIF",
    ];
  throw new RangeError(
    `Cannot pair "${imageFile}" with "${labelFile}": the image${turned} is ` +
      `${width}×${height} and the label ${label.width}×${label.height}: ${cure}`,
  );
}

/** @throws {RangeError} Saying the first thing to be mended first, if there is one. */
export function assertNoFaults({ faults = [] }: DataSetListing): void {
  const [first] = faults;
  if (first === undefined) return;
  const more = faults.length === 1
    ? ""
    : ` (and ${faults.length - 1} more such problems: prepare lists all)`;
  throw new RangeError(`${first}${more}`);
}

/** @throws {RangeError} Naming the first missing label, if there is one. */
export function assertNoMissingLabels(
  root: string,
  { missingLabels, expectedCount, labelsInstead }: DataSetListing,
  hint: string,
): void {
  const [first] = missingLabels;
  if (first === undefined) return;
  throw new RangeError(
    `Cannot use the data set "${root}": the label "${first}" is missing ` +
      `(${missingLabels.length} of ${expectedCount} images have none): ` +
      (labelsInstead === null ? hint : `${labelsInstead}; ${hint}`),
  );
}

/**
 * What a source remarks about folders that were listed, a sentence each: what is to be
 * mended, and what is only to be known. Folders may lie in each other.
 */
export function remarksOf(
  source: FileSource,
  folders: readonly string[],
): { readonly problems: string[]; readonly notes: string[] } {
  const remarks = new Map(
    folders.flatMap((folder) => source.remarks(folder))
      .map(({ message, isProblem }) => [message, isProblem]),
  );
  const messages = [...remarks.keys()];
  return {
    problems: messages.filter((message) => remarks.get(message)),
    notes: messages.filter((message) => !remarks.get(message)),
  };
}

/** Problems that are said at the start of a run; `prepare` lists all. */
const MAX_STARTING_PROBLEMS = 3;

/** The images that can be used, with a note of each problem, or of the first of them. */
export function withProblemNotes({ usable, problems }: DataSetListing): DataSetFiles {
  const more = problems.length - MAX_STARTING_PROBLEMS;
  return {
    ...usable,
    notes: [
      ...usable.notes ?? [],
      ...problems.slice(0, MAX_STARTING_PROBLEMS),
      ...(more > 0 ? [`and ${more} more such problems: prepare lists all`] : []),
    ],
  };
}

/** Endings of pictures, and of labels, in formats that are not read. */
const OTHER_IMAGE_EXTENSIONS =
  /\.(avif|bmp|exr|gif|heic|heif|jfif|jp2|jpe|pbm|pgm|ppm|svg|tga|webp)$/i;
const OTHER_LABEL_EXTENSIONS =
  /\.(bmp|csv|exr|gif|jpe?g|json|mat|npy|npz|pgm|pkl|pt|pth|svg|txt|webp|xml)$/i;

/** What macOS leaves beside files on other disks and in archives. */
const APPLE_DOUBLE = /(^|\/)\._/;

/** Pictures that are left out, as "3 .tif files, 2 hidden files"; null: none. */
export function describeOtherImages(files: readonly string[]): string | null {
  const parts = countExtensions(files, OTHER_IMAGE_EXTENSIONS)
    .map(([extension, count]) => `${count} ${extension} files`);
  const hidden = files.filter((file) =>
    IMAGE_EXTENSIONS.test(file) && isHidden(file) && !APPLE_DOUBLE.test(file)
  );
  if (hidden.length > 0) parts.push(`${hidden.length} hidden files`);
  return parts.length === 0 ? null : parts.join(", ");
}

/** Says what {@linkcode describeOtherImages} found. */
export const otherImageNotes = (found: string | null, folder: string): string[] =>
  found === null ? [] : [
    `left out ${found} of "${folder}": images are .jpg, .jpeg, .png, .tif or ` +
    ".tiff files that are not hidden",
  ];

/**
 * What lies where labels are missing: files of their names in another format, or labels of
 * other names; null: nothing like a label.
 *
 * @param files Paths from the folder of the labels.
 * @param folder That folder, for the message.
 * @param stems What the names of the missing labels are, without their ending.
 * @param areAllMissing Whether there is no other label.
 */
export function describeLabelsInstead(
  files: readonly string[],
  folder: string,
  stems: readonly string[],
  areAllMissing: boolean,
): string | null {
  const wanted = new Set(stems.map((stem) => stem.normalize("NFC")));
  const named = files.filter((file) =>
    wanted.has(file.replace(/\.[^./]+$/, "").normalize("NFC"))
  );
  const candidates = areAllMissing && named.length === 0 ? files : named;
  const [other] = countExtensions(candidates, OTHER_LABEL_EXTENSIONS);
  const labels = files.filter((file) => LABEL_EXTENSIONS.test(file) && !isHidden(file));
  if (other !== undefined && (named.length > 0 || labels.length === 0)) {
    return `the labels in "${folder}" are ${
      other[0]
    } files, and labels are read from .png ` +
      "and .tif files: convert them to PNGs whose values are class ids" +
      (other[0] === ".json" ? ', or set "data.kind" to labelme or coco' : "");
  }
  const visible = files.filter((file) => !isHidden(file));
  if (!areAllMissing || visible.length === 0) return null;
  return labels.length > 0
    ? `"${folder}" holds ${quoteNames(labels)}: names must be those of the images`
    : `"${folder}" holds ${
      quoteNames(visible)
    }: labels are read from .png and .tif files`;
}

/** How many files have each of some endings, the most frequent first. */
function countExtensions(
  files: readonly string[],
  extensions: RegExp,
): (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const file of files) {
    const extension = extensions.exec(file)?.[0].toLowerCase();
    if (extension === undefined || isHidden(file)) continue;
    counts.set(extension, (counts.get(extension) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a);
}

const IMAGE_EXTENSIONS = /\.(jpe?g|png|tiff?)$/i;

/** Endings of labels. */
export const LABEL_EXTENSIONS = /\.(png|tiff?)$/i;

/** The path of an image without its ending; null: the file is none, or hidden. */
export const imageStemOf = (file: string): string | null =>
  IMAGE_EXTENSIONS.test(file) && !isHidden(file)
    ? file.replace(IMAGE_EXTENSIONS, "")
    : null;

/**
 * The stem that a line of a list means: itself, or that of the file which it names in its
 * folder or from the root.
 */
export function stemOfListLine(line: string, folder: string, suffix: string): string {
  const file = line.startsWith(`${folder}/`) ? line.slice(folder.length + 1) : line;
  if (!IMAGE_EXTENSIONS.test(file)) return file;
  const stem = file.replace(IMAGE_EXTENSIONS, "");
  return stem.endsWith(suffix) ? stem.slice(0, stem.length - suffix.length) : stem;
}

/**
 * Images by stem. A stem keeps the folders above it, with "/" on every system.
 *
 * @param files Paths from `folder`; files that are no images are left out.
 * @param suffix What stands between a stem and the ending of an image; others are left out.
 * @throws {RangeError} If two images share a stem.
 */
export function imagesByStem(
  files: readonly string[],
  folder: string,
  suffix = "",
): Map<string, string> {
  const byStem = new Map<string, string>();
  const keys = new Map<string, string>();
  for (const file of files) {
    if (!IMAGE_EXTENSIONS.test(file) || isHidden(file)) continue;
    const fullStem = file.replace(IMAGE_EXTENSIONS, "");
    if (!fullStem.endsWith(suffix)) continue;
    const stem = fullStem.slice(0, fullStem.length - suffix.length);
    // A letter that is one code point here and two there makes no other name.
    const previous = keys.get(stem.normalize("NFC"));
    if (previous !== undefined) {
      throw new RangeError(
        `Cannot use the data set: "${folder}" holds both "${previous}" and "${file}", which ` +
          `would share one label: remove or rename one`,
      );
    }
    keys.set(stem.normalize("NFC"), file);
    byStem.set(stem, file);
  }
  return byStem;
}
