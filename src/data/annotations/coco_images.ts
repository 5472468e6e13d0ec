/** Which pictures a COCO JSON lists, by what it calls them. @module */

import { posix } from "node:path";
import { imageStemOf } from "../file_data_set.ts";
import { joinPath, quoteNames } from "../source/file_source.ts";
import type { CocoImage } from "./coco_file.ts";

/** Images by their stems, or by their whole paths where two share a stem. */
export function imagesByName(files: readonly string[]): Map<string, string> {
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

/** The pictures of a folder that a JSON lists. */
export interface ListedPictures {
  /** Their files, by name. */
  readonly images: ReadonlyMap<string, string>;
  /** What the JSON has of each, by name. */
  readonly parts: ReadonlyMap<string, CocoImage>;
  /** What the JSON calls those that are not there. */
  readonly missing: readonly string[];
  /** What cannot be told apart; the ends of sentences. */
  readonly faults: readonly string[];
}

/** Where pictures may be. */
export interface PicturePlace {
  readonly imageFolder: string;
  /** The folder of the JSON. */
  readonly jsonFolder: string;
}

/**
 * Finds the pictures of a JSON.
 *
 * @param present Files from the folder of the images, by name.
 */
export function listedPictures(
  listed: readonly CocoImage[],
  present: ReadonlyMap<string, string>,
  place: PicturePlace,
): ListedPictures {
  const find = createImageFinder(present, place);
  const images = new Map<string, string>();
  const parts = new Map<string, CocoImage>();
  const missing: string[] = [];
  const faults: string[] = [];
  for (const image of listed) {
    const { id, fileName } = image;
    const name = find(fileName);
    if (name === null) {
      missing.push(fileName);
    } else if (typeof name !== "string") {
      faults.push(
        `its image "${fileName}" (id ${id}) may be ${
          quoteNames(name)
        }: give its folder too`,
      );
    } else if (parts.has(name)) {
      faults.push(
        `it annotates the picture "${images.get(name)}" twice, as image ` +
          `${parts.get(name)?.id} and ${id}: remove or join one`,
      );
    } else {
      images.set(name, present.get(name) ?? name);
      parts.set(name, image);
    }
  }
  return { images, parts, missing, faults };
}

/** The name of an image, or the files of several that fit; null: none does. */
type FoundImage = string | readonly string[] | null;

/**
 * Finds images by what COCO JSONs call them: a path from the folder of the images, from the
 * root or from the JSON, or a path of another place whose end is that of one image.
 */
function createImageFinder(
  images: ReadonlyMap<string, string>,
  { imageFolder, jsonFolder }: PicturePlace,
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
