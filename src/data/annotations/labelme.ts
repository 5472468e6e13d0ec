/**
 * Data sets with one labelme JSON per image:
 *
 * ```text
 * ROOT/<split>/<stem>.jpg      or .jpeg, .png; folders below <split> are part of the stem
 * ROOT/<split>/<stem>.json     its shapes, as labelme saves them
 * ```
 *
 * The annotations may lie in a folder of their own, and both in archives.
 *
 * @module
 */

import { posix } from "node:path";
import type { AnnotationPattern, LabelmeSpec } from "../data_spec.ts";
import type { DataSet } from "../data_set.ts";
import {
  assertNoFaults,
  assertNoMissingLabels,
  type DataSetListing,
  describeOtherImages,
  fileDataSet,
  imageStemOf,
  otherImageNotes,
  remarksOf,
  type SampleDecoder,
  stemOfListLine,
  withProblemNotes,
} from "../file_data_set.ts";
import { findFolder, folderOfPattern, listFiles } from "../folder.ts";
import { selectImages } from "../selection.ts";
import { type FileSource, isHidden, joinPath } from "../source/file_source.ts";
import { openSource } from "../source/open_source.ts";
import { type CategoryLookup, createCategoryLookup } from "./category_classes.ts";
import {
  decodeLabelmeLabel,
  type LabelmeFile,
  readLabelmeFile,
} from "./labelme_label.ts";

/** Where labelme leaves its files: beside the images. */
export const LABELME_PATTERN: AnnotationPattern = {
  images: "{split}",
  annotations: "{split}",
};

/** JSONs without an image of their name that are read at a time. */
const READ_CONCURRENCY = 16;

/**
 * Opens a data set with labelme annotations. Images without one are left out, as labelme's
 * own converters do, unless a list names them.
 *
 * @throws {RangeError} If the folder is missing, no image fits the selection, none or a
 *   listed one has no annotation, or one has two.
 */
export async function openLabelme(spec: LabelmeSpec): Promise<DataSet> {
  const listing = await listLabelmeFiles(spec);
  assertNoFaults(listing);
  const { missingLabels, expectedCount, usable, address } = listing;
  if (usable.samples.length === 0 || (spec.list ?? null) !== null) {
    assertNoMissingLabels(
      spec.root,
      listing,
      "annotate it, or save it in labelme without shapes if nothing is on it",
    );
  }
  const unannotated = missingLabels.length === 0 ? [] : [
    `Left out ${missingLabels.length} of ${expectedCount} images of "${address}" that have no ` +
    `annotation (first: "${
      missingLabels[0]
    }" is missing): annotate them, or save them in ` +
    "labelme without shapes if nothing is on them",
  ];
  const problems = [...unannotated, ...listing.problems];
  return fileDataSet(withProblemNotes({ ...listing, problems }));
}

/** Finds the files. Throws like {@linkcode openLabelme}, but not for annotations. */
export async function listLabelmeFiles(spec: LabelmeSpec): Promise<DataSetListing> {
  const { root, split, files = LABELME_PATTERN, labeled } = spec;
  const { categoryMap = null, background } = spec;
  const place = root.replaceAll("{split}", split);
  const { source } = await openSource({ ...spec, root: place });
  const patterns = [files.images, files.annotations] as const;
  const imageFolder = await findFolder(source, folderOfPattern(files, "images", split));
  const imageFiles = await listFiles(source, imageFolder, patterns);
  const labelPlace = folderOfPattern(files, "annotations", split);
  const labelFolder = labeled ? await findFolder(source, labelPlace) : labelPlace;
  const labelFiles = !labeled
    ? []
    : labelFolder === imageFolder
    ? imageFiles
    : await listFiles(source, labelFolder, patterns);
  const address = source.displayPath(imageFolder);
  const faults: string[] = [];
  const images = new Map<string, string>();
  for (const file of imageFiles) {
    const stem = imageStemOf(file)?.normalize("NFC");
    if (stem === undefined) continue;
    const previous = images.get(stem);
    if (previous === undefined) images.set(stem, file);
    else {
      faults.push(
        `Cannot use the data set: "${address}" holds both "${previous}" and "${file}", which ` +
          "would share one annotation: remove or rename one",
      );
    }
  }
  const annotations = await pairAnnotations(source, images, {
    imageFolder,
    labelFolder,
    files: labelFiles,
  });
  faults.push(...annotations.faults);
  const otherImages = describeOtherImages(imageFiles);
  const { names, notes } = await selectImages({
    folder: address,
    leftOut: otherImages ?? annotations.leftOut,
    root: place,
    paths: new Map(
      [...images.keys()].sort().map((
        name,
      ) => [name, joinPath(imageFolder, images.get(name) ?? name)]),
    ),
    nameOf: (line) => stemOfListLine(line, imageFolder, ""),
    labelOf: (name) => annotations.paths.get(name) ?? null,
  }, spec);
  const hasLabel = (name: string) => annotations.paths.has(name);
  const remarks = remarksOf(source, [imageFolder, ...labeled ? [labelFolder] : []]);
  return {
    address,
    expectedCount: names.length,
    foundCount: names.length,
    missingLabels: labeled
      ? names.filter((name) => !hasLabel(name)).map((name) =>
        source.displayPath(joinPath(labelFolder, `${name}.json`))
      )
      : [],
    labelsInstead: null,
    orphanLabels: annotations.orphans,
    missingImages: [],
    splitListCount: 0,
    problems: [...remarks.problems, ...annotations.problems],
    faults,
    usable: {
      ...labelmeDecoder(spec),
      name: address,
      source,
      statisticsFolder: root,
      labelMeaning: { kind: "labelme", categoryMap, background },
      samples: names.filter((name) => !labeled || hasLabel(name)).map((name) => ({
        name,
        image: joinPath(imageFolder, images.get(name) ?? name),
        label: annotations.paths.get(name) ?? null,
      })),
      notes: [
        ...remarks.notes,
        ...otherImageNotes(otherImages, address),
        ...annotations.notes,
        ...notes,
      ],
    },
  };
}

/** What decodes the annotations of such a data set, wherever they are. */
export const labelmeDecoder = (spec: LabelmeSpec): SampleDecoder => ({
  classes: spec.classes,
  labeled: spec.labeled,
  pixelFormat: spec.pixelFormat,
  decode: labelDecoder(createCategoryLookup(spec.classes, spec)),
});

// Made outside of listLabelmeFiles(): a function made inside would keep its lists alive.
const labelDecoder =
  (lookup: CategoryLookup): SampleDecoder["decode"] => (bytes, file, path) =>
    decodeLabelmeLabel(bytes, file, path, lookup);

/** Where annotations may be. */
interface AnnotationPlace {
  readonly imageFolder: string;
  readonly labelFolder: string;
  /** From the folder of the labels. */
  readonly files: readonly string[];
}

/** Which annotation is of which image. */
interface PairedAnnotations {
  /** By the name of the image, the path of its annotation. */
  readonly paths: ReadonlyMap<string, string>;
  /** Annotations without an image. */
  readonly orphans: readonly string[];
  /** What lies there in place of images; null: nothing. */
  readonly leftOut: string | null;
  readonly faults: readonly string[];
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

// By their names; of those without an image of their name, by what they say themselves.
async function pairAnnotations(
  source: FileSource,
  images: ReadonlyMap<string, string>,
  { imageFolder, labelFolder, files }: AnnotationPlace,
): Promise<PairedAnnotations> {
  const paths = new Map<string, string>();
  const unpaired: string[] = [];
  for (const file of files) {
    if (isHidden(file) || !/\.json$/i.test(file)) continue;
    const path = joinPath(labelFolder, file);
    const stem = file.replace(/\.json$/i, "").normalize("NFC");
    if (images.has(stem) && !paths.has(stem)) paths.set(stem, path);
    else unpaired.push(path);
  }
  const namesByImage = new Map(
    [...images].map(([name, file]) => [
      joinPath(imageFolder, file).normalize("NFC"),
      name,
    ]),
  );
  const found = await readUnpaired(source, unpaired.sort());
  const orphans: string[] = [];
  const faults: string[] = [];
  const problems: string[] = [];
  const foreign: string[] = [];
  let embedded = 0;
  for (const [path, content] of found) {
    const file = source.displayPath(path);
    if (content === null) {
      foreign.push(file);
      continue;
    }
    const { imagePath, hasImageData } = content;
    const name = imagePath === null ? undefined : namesByImage.get(
      posix.normalize(joinPath(posix.dirname(path), imagePath)).normalize("NFC"),
    );
    const other = name === undefined ? undefined : paths.get(name);
    if (name !== undefined && other === undefined) paths.set(name, path);
    else if (name !== undefined && other !== undefined) {
      faults.push(
        `Cannot use the data set: the picture "${
          images.get(name)
        }" has two annotations, ` +
          `"${source.displayPath(other)}" and "${file}": remove one`,
      );
    } else if (hasImageData) {
      embedded++;
      problems.push(
        `Left out "${file}": its picture is there only inside of it, as imageData: save the ` +
          `picture as a file, "${imagePath ?? posix.basename(path)}"`,
      );
    } else orphans.push(file);
  }
  return {
    paths,
    orphans,
    faults,
    problems,
    leftOut: embedded === 0
      ? null
      : `${embedded} pictures inside of .json files, as imageData: save them as files`,
    notes: foreign.length === 0 ? [] : [
      `left out ${foreign.length} .json files that are not labelme's (first: "${
        foreign[0]
      }")`,
    ],
  };
}

async function readUnpaired(
  source: FileSource,
  paths: readonly string[],
): Promise<[path: string, content: LabelmeFile | null][]> {
  const found: [string, LabelmeFile | null][] = [];
  for (let at = 0; at < paths.length; at += READ_CONCURRENCY) {
    found.push(
      ...await Promise.all(
        paths.slice(at, at + READ_CONCURRENCY).map(
          async (path): Promise<[string, LabelmeFile | null]> => {
            const bytes = await source.read(path);
            try {
              return [path, readLabelmeFile(bytes)];
            } catch {
              return [path, null];
            }
          },
        ),
      ),
    );
  }
  return found;
}
