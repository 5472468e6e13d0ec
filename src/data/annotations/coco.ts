/**
 * Data sets with one COCO JSON per split:
 *
 * ```text
 * ROOT/train2017/000000000009.jpg                    the images of a split
 * ROOT/annotations/instances_train2017.json          their polygons and run-length encodings
 * ```
 *
 * Both may have other names, as `train/_annotations.coco.json` beside the images, and may be
 * in archives.
 *
 * @module
 */

import { posix } from "node:path";
import type { AnnotationPattern, CocoSpec } from "../data_spec.ts";
import type { DataSet, SampleFiles } from "../data_set.ts";
import {
  assertNoFaults,
  type DataSetListing,
  describeOtherImages,
  fileDataSet,
  otherImageNotes,
  remarksOf,
  type SampleDecoder,
  stemOfListLine,
  withProblemNotes,
} from "../file_data_set.ts";
import { findFolder, folderOfPattern, listFiles } from "../folder.ts";
import { compileGlob, selectImages } from "../selection.ts";
import {
  type FileSource,
  isHidden,
  isInFolder,
  joinPath,
  quoteNames,
} from "../source/file_source.ts";
import { openSource } from "../source/open_source.ts";
import { type CategoryLookup, createCategoryLookup } from "./category_classes.ts";
import { type CocoFile, type CocoImage, readCocoFile } from "./coco_file.ts";
import { imagesByName, type ListedPictures, listedPictures } from "./coco_images.ts";
import { type CrowdMeaning, decodeCocoLabel } from "./coco_label.ts";

/** What COCO calls its files. */
export const COCO_PATTERN: AnnotationPattern = {
  images: "{split}",
  annotations: "annotations/instances_{split}.json",
};

/**
 * Opens a data set with COCO annotations.
 *
 * @throws {RangeError} If there are no such files, no image fits the selection, an image of
 *   the annotations is missing, or a category is no class.
 * @throws {SyntaxError} If the annotations are no COCO JSON.
 */
export async function openCoco(spec: CocoSpec): Promise<DataSet> {
  const listing = await listCocoFiles(spec);
  assertNoFaults(listing);
  const { missingImages, splitListCount, address } = listing;
  const [absent] = missingImages;
  if (absent !== undefined) {
    throw new RangeError(
      `Cannot use the data set "${spec.root}": ${missingImages.length} of the ` +
        `${splitListCount} images of its annotations are missing in "${address}" (first: ` +
        `"${absent}"): is it unpacked completely? else take them out of the annotations`,
    );
  }
  return fileDataSet(withProblemNotes(listing));
}

/** Finds the files. Throws like {@linkcode openCoco}, but not for missing images. */
export async function listCocoFiles(spec: CocoSpec): Promise<DataSetListing> {
  const { root, split, files = COCO_PATTERN, classes, labeled } = spec;
  const { categoryMap = null, background, crowd = "class" } = spec;
  const place = root.replaceAll("{split}", split);
  const { source } = await openSource({ ...spec, root: place });
  const imageFolder = await findFolder(source, folderOfPattern(files, "images", split));
  const imageFiles = await listFiles(source, imageFolder, [
    files.images,
    files.annotations,
  ]);
  const address = source.displayPath(imageFolder);
  const present = imagesByName(imageFiles);
  const annotated = await readAnnotations(source, spec, imageFolder, present);
  const images = annotated?.images ?? present;
  const otherImages = describeOtherImages(imageFiles);
  const unused = [...present.keys()].filter((name) => !images.has(name));
  const { names, notes } = await selectImages({
    folder: address,
    leftOut: otherImages,
    root: place,
    paths: new Map(
      [...images.keys()].sort().map((
        name,
      ) => [name, joinPath(imageFolder, images.get(name) ?? name)]),
    ),
    nameOf: (line) => nameOfListLine(line, imageFolder, images),
    labelOf: () => null,
  }, spec);
  const remarks = remarksOf(source, [imageFolder]);
  return {
    address,
    expectedCount: names.length,
    foundCount: names.length,
    missingLabels: [],
    labelsInstead: null,
    orphanLabels: [],
    missingImages: chosenOf(annotated?.missing ?? [], spec),
    splitListCount: annotated?.count ?? 0,
    problems: [...remarks.problems, ...annotated?.problems ?? []],
    faults: annotated?.faults ?? [],
    usable: {
      ...cocoDecoder(spec),
      name: address,
      source,
      statisticsFolder: root,
      labelMeaning: { kind: "coco", categoryMap, background, crowd },
      annotationFiles: annotated === null || !labeled ? [] : [annotated.path],
      imageRoot: place,
      samples: names.map((name) =>
        new CocoSampleFiles(
          name,
          joinPath(imageFolder, images.get(name) ?? name),
          labeled ? annotated?.parts.get(name) ?? null : null,
        )
      ),
      notes: [
        ...remarks.notes,
        ...otherImageNotes(otherImages, address),
        ...(annotated === null || unused.length === 0 ? [] : [
          `left out ${unused.length} images of "${address}" that "${
            source.displayPath(annotated.path)
          }" does not list (first: "${unused[0]}")`,
        ]),
        ...annotated === null || !labeled
          ? []
          : emptyImageNotes(names, annotated.parts, classes, spec),
        ...notes,
      ],
    },
  };
}

// A list names images itself, and says which of them are missing.
function chosenOf(
  fileNames: readonly string[],
  { include, list }: CocoSpec,
): readonly string[] {
  if ((list ?? null) !== null) return [];
  const patterns = (include ?? ["*"]).map((one) => compileGlob(one.normalize("NFC")));
  return fileNames.filter((fileName) => {
    const stem = fileName.normalize("NFC").replace(/\.[^./\\]*$/, "");
    return patterns.some((pattern) => pattern.test(stem));
  });
}

/** Opens the images of a data set, without its annotations. */
export async function openCocoImages(spec: CocoSpec, root: string): Promise<FileSource> {
  const { files = COCO_PATTERN, split } = spec;
  const { source, isArchive } = await openSource({ ...spec, root });
  if (isArchive) return source;
  // What is in archives of the folder is read once it was listed.
  await source.list(await findFolder(source, folderOfPattern(files, "images", split)));
  return source;
}

/** What decodes the annotations of such a data set, wherever they are. */
export const cocoDecoder = (spec: CocoSpec): SampleDecoder => ({
  classes: spec.classes,
  labeled: spec.labeled,
  pixelFormat: spec.pixelFormat,
  decode: labelDecoder(createCategoryLookup(spec.classes, spec), spec.crowd ?? "class"),
});

// Made outside of listCocoFiles(): a function made inside would keep its lists alive.
const labelDecoder =
  (lookup: CategoryLookup, crowd: CrowdMeaning): SampleDecoder["decode"] =>
  (bytes, file) => decodeCocoLabel(bytes, file, lookup, crowd);

/** Files whose annotations are put together when they are read. */
class CocoSampleFiles implements SampleFiles {
  constructor(
    readonly name: string,
    readonly image: string,
    private readonly annotated: CocoImage | null,
  ) {}

  get label() {
    return this.annotated?.part() ?? null;
  }
}

function nameOfListLine(
  line: string,
  folder: string,
  images: ReadonlyMap<string, string>,
): string {
  const file = isInFolder(line, folder) && folder !== ""
    ? line.slice(folder.length + 1)
    : line;
  return images.has(file) ? file : stemOfListLine(line, folder, "");
}

/** What a COCO JSON says about the images that are there. */
interface Annotated extends ListedPictures {
  readonly path: string;
  /** How many images it lists. */
  readonly count: number;
  readonly problems: readonly string[];
}

// Of images without labels, a JSON only says which they are; where there is none, all.
async function readAnnotations(
  source: FileSource,
  spec: CocoSpec,
  imageFolder: string,
  present: ReadonlyMap<string, string>,
): Promise<Annotated | null> {
  const { labeled } = spec;
  const path = await findAnnotationFile(source, spec, imageFolder);
  if (path === null) {
    if (labeled) throw await missingFileError(source, spec);
    return null;
  }
  const file = source.displayPath(path);
  let coco: CocoFile;
  try {
    coco = readCocoFile(await source.read(path), path, labeled);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SyntaxError(`Cannot read the annotations "${file}": ${error.message}`);
  }
  const listed = listedPictures(coco.images, present, {
    imageFolder,
    jsonFolder: posix.dirname(path),
  });
  const faults = [...coco.faults, ...listed.faults, ...uselessFaults(coco)]
    .map((fault) => `Cannot use "${file}": ${fault}`);
  const { idOf, describeUnknown } = createCategoryLookup(spec.classes, spec);
  const unknown = new Map(
    [...coco.categories].filter(([name]) => idOf(name) === undefined),
  );
  if (unknown.size > 0) faults.push(describeUnknown(file, unknown));
  return {
    ...listed,
    path,
    count: coco.images.length,
    faults,
    problems: leftOutProblems(file, coco, spec.background),
  };
}

/** Why no annotation of a file can be used; the ends of sentences. */
function uselessFaults(
  { categories, boxesOnly, strayAnnotations }: CocoFile,
): string[] {
  if (categories.size > 0) return [];
  if (boxesOnly.length > 0) {
    return [
      `none of its ${boxesOnly.length} annotations has a segmentation, and boxes or points ` +
      "say nothing of pixels: export polygons or masks",
    ];
  }
  return strayAnnotations.length === 0 ? [] : [
    `none of its ${strayAnnotations.length} annotations is of an image that it lists: is each ` +
    '"image_id" the "id" of an image, and as it a number or a text?',
  ];
}

function leftOutProblems(
  file: string,
  { categories, boxesOnly, strayAnnotations }: CocoFile,
  background: string | null,
): string[] {
  if (categories.size === 0) return [];
  const meaning = background === null ? "ignored" : `"${background}"`;
  return [
    ...(boxesOnly.length === 0 ? [] : [
      `Left out ${boxesOnly.length} annotations of "${file}" that have no segmentation ` +
      `(first: ${boxesOnly[0]}): their pixels count as ${meaning}`,
    ]),
    ...(strayAnnotations.length === 0 ? [] : [
      `Left out ${strayAnnotations.length} annotations of "${file}" whose image it does not ` +
      `list (first: ${strayAnnotations[0]}): add the images, or remove them`,
    ]),
  ];
}

/** The path of the annotations; null: there is no such file. */
async function findAnnotationFile(
  source: FileSource,
  { files = COCO_PATTERN, split }: CocoSpec,
  imageFolder: string,
): Promise<string | null> {
  const { parent, name } = annotationPlace(files, split);
  // Where images lie in the only folder of the root, a file beside them does so, too.
  const images = folderOfPattern(files, "images", split);
  const top = imageFolder.slice(0, imageFolder.length - images.length).replace(/\/$/, "");
  for (const folder of [await findFolder(source, parent), joinPath(top, parent)]) {
    if (!(await source.listChildren(folder))?.includes(name)) continue;
    await source.list(folder); // a source reads what it has listed
    return joinPath(folder, name);
  }
  return null;
}

function annotationPlace(files: AnnotationPattern, split: string) {
  const path = folderOfPattern(files, "annotations", split);
  return {
    parent: path.includes("/") ? posix.dirname(path) : "",
    name: posix.basename(path),
  };
}

async function missingFileError(
  source: FileSource,
  { files = COCO_PATTERN, split }: CocoSpec,
): Promise<RangeError> {
  const { parent, name } = annotationPlace(files, split);
  const folder = await findFolder(source, parent);
  const children = await source.listChildren(folder);
  const jsons = children?.filter((one) => /\.json$/i.test(one) && !isHidden(one)) ?? [];
  const place = source.displayPath(folder);
  const found = children === null
    ? `there is no folder "${place}"`
    : `"${place}" holds ${jsons.length === 0 ? "no .json file" : quoteNames(jsons)}`;
  return new RangeError(
    `Cannot use the data set: there is no file "${
      source.displayPath(joinPath(folder, name))
    }": ${found}: correct "data.files.annotations" or "split"`,
  );
}

function emptyImageNotes(
  names: readonly string[],
  parts: ReadonlyMap<string, CocoImage>,
  classes: CocoSpec["classes"],
  { background }: CocoSpec,
): string[] {
  const empty = names.filter((name) => parts.get(name)?.annotations === 0);
  if (empty.length === 0) return [];
  const meaning = classes.some(({ name }) => name === background)
    ? `"${background}"`
    : "ignored";
  return [
    `${empty.length} of ${names.length} images have no annotation (first: "${
      empty[0]
    }"): all ` +
    `of their pixels are ${meaning}`,
  ];
}
