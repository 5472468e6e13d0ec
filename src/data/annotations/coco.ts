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
  imageStemOf,
  otherImageNotes,
  remarksOf,
  type SampleDecoder,
  stemOfListLine,
  withProblemNotes,
} from "../file_data_set.ts";
import { findFolder, folderOfPattern, listFiles } from "../folder.ts";
import { selectImages } from "../selection.ts";
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
  const { source } = await openSource({
    ...spec,
    root: root.replaceAll("{split}", split),
  });
  const imageFolder = await findFolder(source, folderOfPattern(files, "images", split));
  const imageFiles = await listFiles(source, imageFolder, [
    files.images,
    files.annotations,
  ]);
  const address = source.displayPath(imageFolder);
  const present = imagesByName(imageFiles);
  const annotated = labeled
    ? await readAnnotations(source, spec, files, imageFolder, present)
    : null;
  const images = annotated?.images ?? present;
  const otherImages = describeOtherImages(imageFiles);
  const unused = [...present.keys()].filter((name) => !images.has(name));
  const { names, notes } = await selectImages({
    folder: address,
    leftOut: otherImages,
    root,
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
    missingImages: annotated?.missing ?? [],
    splitListCount: annotated?.count ?? 0,
    problems: [...remarks.problems, ...annotated?.problems ?? []],
    faults: annotated?.faults ?? [],
    usable: {
      ...cocoDecoder(spec),
      name: address,
      source,
      statisticsFolder: root,
      labelMeaning: { kind: "coco", categoryMap, background, crowd },
      annotationFiles: annotated === null ? [] : [annotated.path],
      samples: names.map((name) =>
        new CocoSampleFiles(
          name,
          joinPath(imageFolder, images.get(name) ?? name),
          annotated?.parts.get(name) ?? null,
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
        ...annotated === null
          ? []
          : emptyImageNotes(names, annotated.parts, classes, spec),
        ...notes,
      ],
    },
  };
}

/** What decodes the annotations of such a data set, wherever they are. */
export const cocoDecoder = (spec: CocoSpec): SampleDecoder => ({
  classes: spec.classes,
  labeled: spec.labeled,
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

/** Images by their stems, or by their whole paths where two share a stem. */
function imagesByName(files: readonly string[]): Map<string, string> {
  const byStem = new Map<string, string[]>();
  for (const file of files) {
    const stem = imageStemOf(file);
    if (stem === null) continue;
    byStem.set(stem, [...byStem.get(stem) ?? [], file]);
  }
  return new Map(
    [...byStem].flatMap(([stem, [file = stem, ...others]]): [string, string][] =>
      others.length === 0 ? [[stem, file]] : [file, ...others].map((one) => [one, one])
    ),
  );
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
interface Annotated {
  readonly path: string;
  /** How many images it lists. */
  readonly count: number;
  /** Files by name, of those that it lists. */
  readonly images: ReadonlyMap<string, string>;
  /** What it has of each image, by name. */
  readonly parts: ReadonlyMap<string, CocoImage>;
  readonly missing: readonly string[];
  readonly problems: readonly string[];
  readonly faults: readonly string[];
}

async function readAnnotations(
  source: FileSource,
  spec: CocoSpec,
  files: AnnotationPattern,
  imageFolder: string,
  present: ReadonlyMap<string, string>,
): Promise<Annotated> {
  const path = await findAnnotationFile(source, files, spec.split, imageFolder);
  const file = source.displayPath(path);
  let coco: CocoFile;
  try {
    coco = readCocoFile(await source.read(path), path);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SyntaxError(`Cannot read the annotations "${file}": ${error.message}`);
  }
  const nameOf = createImageFinder(present, imageFolder, posix.dirname(path));
  const images = new Map<string, string>();
  const parts = new Map<string, CocoImage>();
  const missing: string[] = [];
  const faults = coco.faults.map((fault) => `Cannot use "${file}": ${fault}`);
  for (const image of coco.images) {
    const name = nameOf(image.fileName);
    if (name === null) {
      missing.push(image.fileName);
    } else if (typeof name !== "string") {
      faults.push(
        `Cannot use "${file}": its image "${image.fileName}" (id ${image.id}) may be ${
          quoteNames(name)
        }: give its folder too`,
      );
    } else if (parts.has(name)) {
      faults.push(
        `Cannot use "${file}": it annotates the picture "${
          images.get(name)
        }" twice, as image ` +
          `${parts.get(name)?.id} and ${image.id}: remove or join one`,
      );
    } else {
      images.set(name, present.get(name) ?? name);
      parts.set(name, image);
    }
  }
  const { idOf, describeUnknown } = createCategoryLookup(spec.classes, spec);
  const unknown = new Map(
    [...coco.categories].filter(([name]) => idOf(name) === undefined),
  );
  if (unknown.size > 0) faults.push(describeUnknown(file, unknown));
  const { boxesOnly, strayAnnotations } = coco;
  if (coco.categories.size === 0 && boxesOnly.length > 0) {
    faults.push(
      `Cannot use "${file}": none of its ${boxesOnly.length} annotations has a segmentation, ` +
        "and boxes or points say nothing of pixels: export polygons or masks",
    );
  }
  return {
    path,
    count: coco.images.length,
    images,
    parts,
    missing,
    faults,
    problems: [
      ...(coco.categories.size === 0 || boxesOnly.length === 0 ? [] : [
        `Left out ${boxesOnly.length} annotations of "${file}" that have no segmentation ` +
        `(first: ${boxesOnly[0]}): their pixels count as ${
          spec.background === null ? "ignored" : `"${spec.background}"`
        }`,
      ]),
      ...(strayAnnotations.length === 0 ? [] : [
        `Left out ${strayAnnotations.length} annotations of "${file}" whose image it does not ` +
        `list (first: ${strayAnnotations[0]}): add the images, or remove them`,
      ]),
    ],
  };
}

async function findAnnotationFile(
  source: FileSource,
  files: AnnotationPattern,
  split: string,
  imageFolder: string,
): Promise<string> {
  const wanted = folderOfPattern(files, "annotations", split);
  const name = posix.basename(wanted);
  const parent = wanted.includes("/") ? posix.dirname(wanted) : "";
  const folder = await findFolder(source, parent);
  // Where images lie in the only folder of the root, a file beside them does so, too.
  const images = folderOfPattern(files, "images", split);
  const top = imageFolder.slice(0, imageFolder.length - images.length);
  for (const place of [folder, joinPath(top.replace(/\/$/, ""), parent)]) {
    if (!(await source.listChildren(place))?.includes(name)) continue;
    await source.list(place); // a source reads what it has listed
    return joinPath(place, name);
  }
  const path = joinPath(folder, name);
  const children = await source.listChildren(folder);
  const jsons = children?.filter((name) => /\.json$/i.test(name) && !isHidden(name)) ??
    [];
  const found = children === null
    ? `there is no folder "${source.displayPath(folder)}"`
    : `"${source.displayPath(folder)}" holds ${
      jsons.length === 0 ? "no .json file" : quoteNames(jsons)
    }`;
  throw new RangeError(
    `Cannot use the data set: there is no file "${
      source.displayPath(path)
    }": ${found}: correct "data.files.annotations" or "split"`,
  );
}

/** The name of an image, or the files of several that fit; null: none does. */
type FoundImage = string | readonly string[] | null;

/**
 * Finds images by what COCO JSONs call them: a path from the folder of the images, from the
 * root or from the JSON, or a path of another place whose end is that of one image.
 */
function createImageFinder(
  images: ReadonlyMap<string, string>,
  imageFolder: string,
  jsonFolder: string,
): (fileName: string) => FoundImage {
  const byFile = new Map(
    [...images].map(([name, file]) => [file.normalize("NFC"), name]),
  );
  let byBase: Map<string, string[]> | null = null;
  const indexByBase = () => {
    const index = new Map<string, string[]>();
    for (const file of byFile.keys()) {
      const base = posix.basename(file);
      index.set(base, [...index.get(base) ?? [], file]);
    }
    return index;
  };
  const fromRoot = (path: string) =>
    imageFolder === ""
      ? path
      : path.startsWith(`${imageFolder}/`)
      ? path.slice(imageFolder.length + 1)
      : null;
  return (fileName) => {
    const path = posix.normalize(fileName.replaceAll("\\", "/").normalize("NFC"));
    const exact = [
      path,
      fromRoot(path),
      fromRoot(posix.normalize(joinPath(jsonFolder, path))),
    ].map((one) => one === null ? undefined : byFile.get(one))
      .find((name) => name !== undefined);
    if (exact !== undefined) return exact;
    byBase ??= indexByBase();
    const candidates = byBase.get(posix.basename(path)) ?? [];
    const fitting = candidates.filter((file) => isTail(file, path) || isTail(path, file));
    const [only] = fitting;
    if (only === undefined) return null;
    return fitting.length === 1 ? byFile.get(only) ?? null : fitting;
  };
}

const isTail = (tail: string, path: string): boolean =>
  path === tail || path.endsWith(`/${tail}`);

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
