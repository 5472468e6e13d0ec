/** Images with polygons in JSON: one file of COCO per split, or one of labelme per image. @module */

import { countLabelPixels } from "../data/class_counts.ts";
import { isCocoJson, labelmeLabels } from "../data/annotations/annotated_classes.ts";
import { type CocoFile, readCocoFile } from "../data/annotations/coco_file.ts";
import type {
  AnnotationPattern,
  CocoSpec,
  FileDataSpec,
  LabelmeSpec,
} from "../data/data_spec.ts";
import { fileDataSet } from "../data/file_data_set.ts";
import { listDataSetFiles } from "../data/open_data_set.ts";
import { type FileSource, isHidden } from "../data/source/file_source.ts";
import type { ClassInfo } from "../core/host_batch.ts";
import {
  findLayouts,
  folderOf,
  picturesOf,
  SPLIT_WORDS,
  withoutSplit,
} from "./find_layouts.ts";
import {
  findParts,
  type FoundParts,
  labelFolderOf,
  listedNames,
  listsOf,
  splitsOf,
} from "./find_parts.ts";
import {
  type FoundClasses,
  type FoundData,
  type FoundImage,
  imageKey,
} from "./found_data.ts";
import { defaultColor } from "./guess_classes.ts";
import { findLabelPlace } from "./rate_layouts.ts";

/** Files that are looked into. */
const MAX_JSONS = 40;
const MAX_LOOKED = 3;

/** Images of a COCO JSON that are looked for. */
const MAX_LISTED = 50;

/** While files are looked for, no name has to be that of a class. */
const ANY_NAME = { "*": null };

const isJson = (file: string): boolean =>
  /\.json$/i.test(file) && !isHidden(file) && !file.startsWith("__MACOSX/");

/**
 * Finds annotated images.
 *
 * @param root As a configuration names it.
 * @returns Null if there are none.
 * @throws {RangeError} If a COCO JSON has boxes and no outlines.
 * @throws {SyntaxError} If one is damaged.
 */
export async function findAnnotations(
  source: FileSource,
  files: readonly string[],
  root: string,
): Promise<FoundData | null> {
  const jsons = files.filter(isJson);
  if (jsons.length === 0) return null;
  const found = await findLabelme(source, files, root) ??
    await findCoco(source, files, jsons, root);
  return found &&
    { ...found, notes: [...await maskNotes(source, files), ...found.notes] };
}

// Tools export masks of their annotations, which may be what was meant.
async function maskNotes(
  source: FileSource,
  files: readonly string[],
): Promise<string[]> {
  const place = await findLabelPlace(source, files);
  return place === null ? [] : [
    `there are labels in "${place}", too: the annotations are used; for the labels add ` +
    `--labels ${JSON.stringify(place)}`,
  ];
}

async function findLabelme(
  source: FileSource,
  files: readonly string[],
  root: string,
): Promise<FoundData | null> {
  const layout = findLayouts(files, /\.json$/i)
    .find(({ imageSuffix, labelSuffix, labelEnding }) =>
      imageSuffix + labelSuffix === "" && labelEnding === ".json"
    );
  if (layout === undefined) return null;
  const looked = layout.pairs.slice(0, MAX_LOOKED);
  const labels = await Promise.all(
    looked.map(async ({ label }) => labelmeLabels(await source.read(label))),
  );
  if (labels.every((one) => one === null)) return null;
  const pattern: AnnotationPattern = {
    images: layout.images,
    annotations: layout.labels,
  };
  const specOf = (split: string, labeled: boolean): LabelmeSpec => ({
    kind: "labelme",
    files: pattern,
    classes: [],
    categoryMap: ANY_NAME,
    background: null,
    ...{ root, split, labeled },
  });
  const found = await findParts(source, {
    splits: splitsOf(files, layout),
    labelsChoose: false,
    imageFolder: (split) => folderOf(layout.images, split),
    labelFolder: labelFolderOf(layout),
    specOf,
  });
  return annotatedData(source, files, root, found, {
    title: `images in "${layout.images}", annotations of labelme in "${layout.labels}"`,
    files: pattern,
    specOf,
    async namesOf(images) {
      const names = new Set<string>();
      for (const image of images) {
        const path = found.pathsOf.get(imageKey(image))?.label;
        const json = typeof path === "string" ? path : path?.path ?? "";
        for (const name of labelmeLabels(await source.read(json)) ?? []) names.add(name);
      }
      return [...names].sort();
    },
  });
}

/** A COCO JSON, where its images are, and both with `{split}` for the name of one. */
interface CocoPlace {
  readonly path: string;
  readonly json: CocoFile;
  readonly images: string;
  readonly annotations: string;
  readonly split: string;
}

async function findCoco(
  source: FileSource,
  files: readonly string[],
  jsons: readonly string[],
  root: string,
): Promise<FoundData | null> {
  const pictures = picturesOf(files);
  const places: CocoPlace[] = [];
  let withoutOutlines: string | null = null;
  for (const path of jsons.slice(0, MAX_JSONS)) {
    const bytes = await source.read(path);
    if (!isCocoJson(bytes)) continue;
    const json = readCoco(bytes, path, source.displayPath(path));
    if ([...json.categories.values()].every((count) => count === 0)) {
      withoutOutlines ??= path;
      continue;
    }
    const folder = folderOfImages(json, path, pictures);
    if (folder !== null) places.push({ path, json, ...patternsOf(path, folder) });
  }
  // Of several files for the same images, as COCO has, those of objects.
  const groups = [
    ...Map.groupBy(
      places,
      ({ images, annotations }) => JSON.stringify([images, annotations]),
    ).values(),
  ].sort((a, b) => imageCount(b) - imageCount(a));
  const group = groups.find(([first]) => /instances/i.test(first?.annotations ?? "")) ??
    groups[0];
  const [first] = group ?? [];
  if (group === undefined || first === undefined) {
    if (withoutOutlines === null) return null;
    throw new RangeError(
      `Cannot use the annotations "${
        source.displayPath(withoutOutlines)
      }": they have boxes ` +
        "and no outlines of objects: export them with polygons or masks",
    );
  }
  const pattern: AnnotationPattern = {
    images: first.images,
    annotations: first.annotations,
  };
  const specOf = (split: string, labeled: boolean): CocoSpec => ({
    kind: "coco",
    files: pattern,
    classes: [],
    categoryMap: ANY_NAME,
    background: null,
    ...{ root, split, labeled },
  });
  const found = await findParts(source, {
    splits: group.map(({ split }) => split),
    labelsChoose: true,
    imageFolder: (split) => folderOf(first.images, split),
    labelFolder: (split) => folderOf(first.annotations, split).replace(/\/?[^/]*$/, ""),
    specOf,
  });
  return annotatedData(source, files, root, found, {
    title: `images in "${first.images}", annotations of COCO in "${first.annotations}"`,
    files: pattern,
    specOf,
    namesOf: () =>
      Promise.resolve([
        ...new Set(
          group.flatMap(({ json }) =>
            [...json.categories].flatMap(([name, count]) => count > 0 ? [name] : [])
          ),
        ),
      ]),
  });
}

function readCoco(bytes: Uint8Array, path: string, file: string): CocoFile {
  try {
    return readCocoFile(bytes, path);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SyntaxError(`Cannot read the annotations "${file}": ${error.message}`);
  }
}

const imageCount = (places: readonly CocoPlace[]): number =>
  places.reduce((sum, { json }) => sum + json.images.length, 0);

// The folder that has the most of the files that a JSON lists; that of the JSON, or one that
// shares the name of a split with it, where several have.
function folderOfImages(
  { images }: CocoFile,
  path: string,
  pictures: readonly string[],
): string | null {
  const byName = Map.groupBy(pictures, (picture) => picture.replace(/^.*\//, ""));
  const hits = new Map<string, number>();
  for (const { fileName } of images.slice(0, MAX_LISTED)) {
    const name = fileName.replaceAll("\\", "/").replace(/^\.?\/+/, "");
    const base = name.replace(/^.*\//, "");
    for (const picture of byName.get(base) ?? []) {
      const ending = picture === name || picture.endsWith(`/${name}`) ? name : base;
      const folder = picture.slice(0, picture.length - ending.length).replace(/\/$/, "");
      hits.set(folder, (hits.get(folder) ?? 0) + 1);
    }
  }
  const own = path.replace(/\/?[^/]*$/, "");
  const rank = (folder: string) =>
    (folder === own ? 2 : 0) +
    (patternsOf(path, folder).images.includes("{split}") ? 1 : 0);
  const [best] = [...hits].sort(([a, m], [b, n]) => n - m || rank(b) - rank(a));
  return best?.[0] ?? null;
}

function patternsOf(
  path: string,
  folder: string,
): Pick<CocoPlace, "images" | "annotations" | "split"> {
  for (const word of SPLIT_WORDS) {
    const annotations = withoutSplit(path, word);
    if (annotations === null) continue;
    const images = withoutSplit(folder, word);
    return {
      images: images?.pattern ?? (folder || "."),
      annotations: annotations.pattern,
      split: annotations.split,
    };
  }
  return { images: folder || ".", annotations: path, split: "all" };
}

/** What annotated data sets differ in. */
interface AnnotatedData {
  readonly title: string;
  readonly files: AnnotationPattern;
  readonly specOf: (split: string, labeled: boolean) => CocoSpec | LabelmeSpec;
  /** The names of the objects in some images, or in all. */
  readonly namesOf: (images: readonly FoundImage[]) => Promise<string[]>;
}

/** Names by which tools mean what is not annotated, and what is to be ignored. */
const BACKGROUND = /^_*background_*$/i;
const IGNORED = /^_*ignored?_*$/i;

function annotatedData(
  source: FileSource,
  files: readonly string[],
  root: string,
  { parts, pathsOf, notes }: FoundParts,
  { title, files: pattern, specOf, namesOf }: AnnotatedData,
): FoundData {
  const { kind } = specOf("all", true);
  return {
    title,
    settings: { kind, root, files: pattern },
    parts,
    lists: listsOf(source, files),
    readList: (split, list) => listedNames({ ...specOf(split, false), list }),
    notes,
    async readImage(image) {
      const path = pathsOf.get(imageKey(image))?.image ?? "";
      return { bytes: await source.read(path), path: source.displayPath(path) };
    },
    async readClasses(images, { progress, signal }): Promise<FoundClasses> {
      const names = await namesOf(images);
      const ignored = names.filter((name) => IGNORED.test(name));
      const background = names.find((name) => BACKGROUND.test(name)) ?? "background";
      const objects = names.filter((name) =>
        !ignored.includes(name) && name !== background
      );
      const classes = [background, ...objects].map((name, id): ClassInfo => ({
        name,
        color: defaultColor(id, true),
      }));
      const categoryMap = ignored.length === 0
        ? null
        : Object.fromEntries(ignored.map((name) => [name, null]));
      const counts = new Map<string, readonly number[]>();
      const byPart = Map.groupBy(images, ({ part }) => part);
      for (const [part, some] of byPart) {
        const spec: FileDataSpec = {
          ...specOf(part, true),
          ...{ classes, categoryMap, background },
        };
        const dataSet = fileDataSet((await listDataSetFiles(spec)).usable);
        const indices = new Map(dataSet.names.map((name, index) => [name, index]));
        for (const image of some) {
          signal?.throwIfAborted();
          const index = indices.get(image.name);
          if (index === undefined) continue;
          counts.set(imageKey(image), await countLabelPixels(dataSet, index));
          progress(counts.size, images.length);
        }
      }
      return {
        classes,
        settings: { ...(categoryMap === null ? {} : { categoryMap }), background },
        reasons: [
          `names are those of the annotations, and what has none is "${background}"`,
        ],
        counts,
      };
    },
  };
}
