/**
 * What a COCO JSON has: images, categories, annotations. Only its bytes are kept, and where
 * in them the annotations of each image are; `instances_train2017.json` has 450 MB.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { LabelPart } from "../data_set.ts";
import { parseJsonPart, visitJsonElements } from "./json_elements.ts";

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

/** The parts of the file that are read. */
const KEYS = ["images", "categories", "annotations"] as const;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isId = (value: unknown): value is Id =>
  typeof value === "number" || typeof value === "string";

/** Whether an annotation says anything of pixels. */
export const hasSegmentation = ({ segmentation }: { readonly segmentation?: unknown }) =>
  Array.isArray(segmentation) ? segmentation.length > 0 : isObject(segmentation);

/** What an annotation is called in messages. */
export const annotationTitle = ({ id }: { readonly id?: unknown }, index: number) =>
  isId(id) ? `annotation ${id}` : `annotation number ${index + 1}`;

/**
 * Reads a COCO JSON.
 *
 * @param path Its path in its source.
 * @throws {SyntaxError} If it is none; the message is the end of a sentence.
 */
export function readCocoFile(bytes: Uint8Array, path: string): CocoFile {
  const ranges: Record<string, number[]> = {
    images: [],
    categories: [],
    annotations: [],
  };
  const found = visitJsonElements(bytes, KEYS, (key, from, to) => {
    ranges[key]?.push(from, to);
  });
  const missing = KEYS.filter((key) => !found.has(key));
  if (missing.length > 0) {
    throw new SyntaxError(
      `it has no list ${
        missing.map((key) => `"${key}"`).join(", ")
      }: is it a COCO JSON of ` +
        "objects?",
    );
  }
  const faults: string[] = [];
  const forEach = (
    key: typeof KEYS[number],
    use: (value: Readonly<Record<string, unknown>>, index: number, from: number) => void,
  ) => {
    const list = ranges[key] ?? [];
    for (let i = 0; i < list.length; i += 2) {
      const [from = 0, to = 0] = [list[i], list[i + 1]];
      const value = parseJsonPart(bytes.subarray(from, to));
      if (isObject(value)) use(value, i, from);
      else faults.push(`number ${i / 2 + 1} of "${key}" is no object: export it again`);
    }
  };

  const names = new Map<Id, string>();
  forEach("categories", ({ id, name }, i) => {
    if (!isId(id) || typeof name !== "string") {
      faults.push(`number ${i / 2 + 1} of "categories" has no "id" and "name": add them`);
      return;
    }
    const previous = names.get(id) ?? name;
    if (previous !== name) {
      faults.push(`category ${id} is both "${previous}" and "${name}": name it once`);
    }
    names.set(id, name);
  });
  const imageIndexes = new Map<Id, number>();
  const images: Readonly<Record<string, unknown>>[] = [];
  forEach("images", (image, i) => {
    const { id, file_name: fileName, width, height } = image;
    if (!isId(id) || typeof fileName !== "string" || fileName === "") {
      faults.push(
        `number ${i / 2 + 1} of "images" has no "id" and "file_name": add them`,
      );
    } else if (imageIndexes.has(id)) {
      faults.push(`two images have the id ${id}: number them anew`);
    } else {
      imageIndexes.set(id, images.length);
      images.push({ id, file_name: fileName, width, height });
    }
  });

  /** By image, where its annotations begin and end. */
  const rangesOf: number[][] = images.map(() => []);
  const categoriesOf: Set<Id>[] = images.map(() => new Set());
  const counts = new Map<string, number>();
  const strayAnnotations: string[] = [];
  const boxesOnly: string[] = [];
  const unknownCategories = new Map<string, number>();
  forEach("annotations", (annotation, i, from) => {
    const { image_id: imageId, category_id: categoryId } = annotation;
    const image = isId(imageId) ? imageIndexes.get(imageId) : undefined;
    const title = annotationTitle(annotation, i / 2);
    if (image === undefined) return void strayAnnotations.push(title);
    if (!hasSegmentation(annotation)) return void boxesOnly.push(title);
    const name = isId(categoryId) ? names.get(categoryId) : undefined;
    if (name === undefined || !isId(categoryId)) {
      const key = JSON.stringify(categoryId) ?? "none";
      unknownCategories.set(key, (unknownCategories.get(key) ?? 0) + 1);
      return;
    }
    counts.set(name, (counts.get(name) ?? 0) + 1);
    categoriesOf[image]?.add(categoryId);
    rangesOf[image]?.push(from, ranges["annotations"]?.[i + 1] ?? from);
  });
  for (const [id, count] of unknownCategories) {
    faults.push(
      `${count} annotations have the category id ${id}, which "categories" does not have: ` +
        "add it there",
    );
  }
  const orders = new Map(
    [...names].sort(([a], [b]) => Number(a) - Number(b)).map(([, name], i) => [name, i]),
  );
  const orderOf = (name: string) => orders.get(name) ?? 0;
  return {
    images: images.map((image, index) => ({
      id: image["id"] as Id,
      fileName: image["file_name"] as string,
      annotations: (rangesOf[index] ?? []).length / 2,
      part: () => ({
        path,
        title: `image ${image["id"]}`,
        bytes: partBytes(
          image,
          [...categoriesOf[index] ?? []].map((id) => ({ id, name: names.get(id) })),
          bytes,
          rangesOf[index] ?? [],
        ),
      }),
    })),
    categories: new Map([...counts].sort(([a], [b]) => orderOf(a) - orderOf(b))),
    strayAnnotations,
    boxesOnly,
    faults,
  };
}

// A COCO JSON of one image.
function partBytes(
  image: unknown,
  categories: readonly unknown[],
  bytes: Uint8Array,
  ranges: readonly number[],
): Uint8Array {
  const [images, names] = [JSON.stringify([image]), JSON.stringify(categories)];
  const chunks: Uint8Array[] = [
    Buffer.from(`{"images":${images},"categories":${names},"annotations":[`),
  ];
  for (let i = 0; i < ranges.length; i += 2) {
    if (i > 0) chunks.push(Buffer.from(","));
    chunks.push(bytes.subarray(ranges[i], ranges[i + 1]));
  }
  chunks.push(Buffer.from("]}"));
  return new Uint8Array(Buffer.concat(chunks));
}
