/**
 * What a COCO JSON has: images, categories, annotations. Only its bytes are kept, and where
 * in them the annotations of each image are; `instances_train2017.json` has 450 MB.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { LabelPart } from "../data_set.ts";
import {
  isJsonObject,
  type JsonObject,
  parseJsonPart,
  visitJsonElements,
} from "./json_elements.ts";

/** An identifier: a number, or with some tools a text. */
type Id = number | string;

/** An image that a file lists. */
export interface CocoImage {
  readonly id: Id;
  /** As it stands. */
  readonly fileName: string;
  /** How many annotations with a segmentation it has. */
  readonly annotations: number;
  /** What the file has of it, as a COCO JSON of this image alone. */
  readonly part: () => LabelPart;
}

/** A COCO JSON. */
export interface CocoFile {
  readonly images: readonly CocoImage[];
  /** How many annotations with a segmentation each category has, in the order of ids. */
  readonly categories: ReadonlyMap<string, number>;
  /** Annotations of images that are not listed. */
  readonly strayAnnotations: readonly string[];
  /** Those without a segmentation. */
  readonly boxesOnly: readonly string[];
  /** What makes it unusable; the ends of sentences. */
  readonly faults: readonly string[];
}

/** The lists of a file. */
type Key = "images" | "categories" | "annotations";

const isId = (value: unknown): value is Id =>
  typeof value === "number" || typeof value === "string";

/** Whether an annotation says anything of pixels. */
export const hasSegmentation = ({ segmentation }: { readonly segmentation?: unknown }) =>
  Array.isArray(segmentation) ? segmentation.length > 0 : isJsonObject(segmentation);

/** What an annotation is called in messages. */
export const annotationTitle = ({ id }: { readonly id?: unknown }, index: number) =>
  isId(id) ? `annotation ${id}` : `annotation number ${index + 1}`;

/**
 * Reads a COCO JSON.
 *
 * @param path Its path in its source.
 * @param labeled Whether annotations are wanted; if not, nothing but images is looked at.
 * @throws {SyntaxError} If it is none; the message is the end of a sentence.
 */
export function readCocoFile(
  bytes: Uint8Array,
  path: string,
  labeled = true,
): CocoFile {
  const lists = findLists(
    bytes,
    labeled ? ["images", "categories", "annotations"] : ["images"],
  );
  const faults: string[] = [];
  const names = readCategories(lists, faults);
  const images = readImages(lists, faults);
  const found = indexAnnotations(lists, images, names, faults);
  return {
    images: images.map((image, index) => {
      const { ranges, categories } = found.ofImages[index] ?? noAnnotations();
      return {
        id: image.id,
        fileName: image.fileName,
        annotations: ranges.length,
        part: () => ({
          path,
          title: `image ${image.id}`,
          bytes: partBytes(
            image,
            [...categories].map((id) => ({ id, name: names.get(id) })),
            ranges.map(([from, to]) => bytes.subarray(from, to)),
          ),
        }),
      };
    }),
    categories: new Map(
      [...new Set(names.values())].map((name): [string, number] => [
        name,
        found.counts.get(name) ?? 0,
      ]).filter(([, count]) => count > 0),
    ),
    strayAnnotations: found.stray,
    boxesOnly: found.boxesOnly,
    faults,
  };
}

/** Where elements of a list are in the file. */
type Range = readonly [from: number, to: number];

/** The lists of a file, whose elements are parsed when they are visited. */
interface Lists {
  /** Visits the objects of a list; gives the others to `onFault`, as the end of a sentence. */
  readonly forEach: (
    key: Key,
    visit: (
      value: JsonObject,
      index: number,
      range: Range,
    ) => void,
    onFault: (fault: string) => void,
  ) => void;
}

function findLists(bytes: Uint8Array, keys: readonly Key[]): Lists {
  const ranges: Record<string, Range[]> = {};
  const found = visitJsonElements(bytes, keys, (key, from, to) => {
    (ranges[key] ??= []).push([from, to]);
  });
  const missing = keys.filter((key) => !found.has(key)).map((key) => `"${key}"`);
  if (missing.length > 0) {
    throw new SyntaxError(
      `it has no list ${missing.join(", ")}: is it a COCO JSON of objects?`,
    );
  }
  return {
    forEach(key, visit, onFault) {
      for (const [index, range] of (ranges[key] ?? []).entries()) {
        const value = parseJsonPart(bytes.subarray(...range));
        if (isJsonObject(value)) visit(value, index, range);
        else onFault(`number ${index + 1} of "${key}" is no object: export it again`);
      }
    },
  };
}

/** Names by id, in the order of ids that are numbers. */
function readCategories({ forEach }: Lists, faults: string[]): Map<Id, string> {
  const names = new Map<Id, string>();
  forEach("categories", ({ id, name }, index) => {
    if (!isId(id) || typeof name !== "string") {
      faults.push(`number ${index + 1} of "categories" has no "id" and "name": add them`);
      return;
    }
    const previous = names.get(id) ?? name;
    if (previous !== name) {
      faults.push(`category ${id} is both "${previous}" and "${name}": name it once`);
    }
    names.set(id, name);
  }, (fault) => faults.push(fault));
  return new Map([...names].sort(([a], [b]) => Number(a) - Number(b)));
}

/** An image as a file lists it. */
interface ImageEntry {
  readonly id: Id;
  readonly fileName: string;
  /** Whatever the file has. */
  readonly width: unknown;
  readonly height: unknown;
}

function readImages({ forEach }: Lists, faults: string[]): ImageEntry[] {
  const images = new Map<Id, ImageEntry>();
  forEach("images", ({ id, file_name: fileName, width, height }, index) => {
    if (!isId(id) || typeof fileName !== "string" || fileName === "") {
      faults.push(
        `number ${index + 1} of "images" has no "id" and "file_name": add them`,
      );
    } else if (images.has(id)) {
      faults.push(`two images have the id ${id}: number them anew`);
    } else images.set(id, { id, fileName, width, height });
  }, (fault) => faults.push(fault));
  return [...images.values()];
}

/** The annotations of an image. */
interface ImageAnnotations {
  /** Where they are, in the order of the file. */
  readonly ranges: Range[];
  /** Whose names they need. */
  readonly categories: Set<Id>;
}

const noAnnotations = (): ImageAnnotations => ({ ranges: [], categories: new Set() });

/** Which annotations a file has. */
interface FoundAnnotations {
  /** In the order of the images. */
  readonly ofImages: readonly ImageAnnotations[];
  /** How many there are, by the name of their category. */
  readonly counts: ReadonlyMap<string, number>;
  readonly stray: readonly string[];
  readonly boxesOnly: readonly string[];
}

function indexAnnotations(
  { forEach }: Lists,
  images: readonly ImageEntry[],
  names: ReadonlyMap<Id, string>,
  faults: string[],
): FoundAnnotations {
  const ofImages = images.map(noAnnotations);
  const byId = new Map(images.map(({ id }, index) => [id, ofImages[index]]));
  const counts = new Map<string, number>();
  const unknown = new Map<string, number>();
  const [stray, boxesOnly]: [string[], string[]] = [[], []];
  const increment = (map: Map<string, number>, key: string) =>
    map.set(key, (map.get(key) ?? 0) + 1);
  forEach("annotations", (annotation, index, range) => {
    const { image_id: imageId, category_id: categoryId } = annotation;
    const ofImage = isId(imageId) ? byId.get(imageId) : undefined;
    const title = annotationTitle(annotation, index);
    if (ofImage === undefined) return void stray.push(title);
    if (!hasSegmentation(annotation)) return void boxesOnly.push(title);
    const name = isId(categoryId) ? names.get(categoryId) : undefined;
    if (name === undefined || !isId(categoryId)) {
      return void increment(unknown, JSON.stringify(categoryId) ?? "none");
    }
    increment(counts, name);
    ofImage.categories.add(categoryId);
    ofImage.ranges.push(range);
  }, (fault) => faults.push(fault));
  for (const [id, count] of unknown) {
    faults.push(
      `${count} annotations have the category id ${id}, which "categories" does not have: ` +
        "add it there",
    );
  }
  return { ofImages, counts, stray, boxesOnly };
}

// A COCO JSON of one image.
function partBytes(
  image: ImageEntry,
  categories: readonly unknown[],
  annotations: readonly Uint8Array[],
): Uint8Array {
  const [images, names] = [JSON.stringify([image]), JSON.stringify(categories)];
  const comma = Buffer.from(",");
  return new Uint8Array(Buffer.concat([
    Buffer.from(`{"images":${images},"categories":${names},"annotations":[`),
    ...annotations.flatMap((one, i) => i === 0 ? [one] : [comma, one]),
    Buffer.from("]}"),
  ]));
}
