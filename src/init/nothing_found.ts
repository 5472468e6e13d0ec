/** Why nothing can be made of a folder, and what to do. @module */

import { basename, join } from "node:path";
import { evenlySpacedIndices } from "../data/evenly_spaced.ts";
import { type FileSource, isHidden, quoteNames } from "../data/source/file_source.ts";
import { unsupportedArchiveHint } from "../data/source/open_source.ts";
import { countOf } from "./choose_images.ts";
import { quoteArgument } from "./config_text.ts";
import { IMAGE, PICTURE, picturesOf } from "./find_layouts.ts";
import { readLabelContents } from "./label_contents.ts";

/**
 * Says why no labeled images were found.
 *
 * @param folder As it was given.
 * @param files All that it holds.
 * @param labels Where labels should be, if that was given.
 */
export async function nothingFoundError(
  folder: string,
  source: FileSource,
  files: readonly string[],
  labels: string | null,
): Promise<RangeError> {
  const cannot = (reason: string) =>
    new RangeError(`Cannot make a configuration of "${folder}": ${reason}`);
  const pictures = picturesOf(files);
  const [first] = pictures;
  if (first === undefined) {
    const visible = files.filter((file) => !isHidden(file));
    const rootNames = await source.listChildren("") ?? [];
    return cannot(
      visible.length === 0
        ? "it is empty: put pictures and labels into it"
        : `it holds no picture: it holds ${quoteNames(visible)}` +
          unsupportedArchiveHint(rootNames),
    );
  }
  if (labels !== null) {
    return cannot(
      `no pictures have labels in "${labels}", as --labels says: name a folder of labels, or ` +
        "what follows the name of an image in that of its label",
    );
  }
  const count = `${countOf(pictures.length, "picture")} (first: "${first}")`;
  if (!pictures.some((path) => IMAGE.test(path))) {
    return cannot(
      `it holds ${count}, and images are read from .jpg, .png and .tif files: convert them, ` +
        "and labels to PNGs",
    );
  }
  if (await areLabels(source, pictures)) {
    return cannot(
      `it holds ${count} that look like labels, and no images of their names: name the ` +
        "folder that holds both",
    );
  }
  const otherNames = await differentNames(source, pictures);
  if (otherNames !== null) {
    const { image, label } = otherNames;
    return cannot(
      `the names of "${image}" and "${label}" are not the same: an image and its label have ` +
        "one name, but for what follows it, as in 1.jpg and 1_mask.png: rename the ones",
    );
  }
  const otherFile = fileOfName(files, pictures);
  if (otherFile !== null) {
    return cannot(
      `it holds ${count}, and "${otherFile}", which is no label that is read: export masks ` +
        "as PNG, or COCO's or labelme's JSON",
    );
  }
  return cannot(
    `it holds ${count} and no labels of their names: label some, with labelme for example, ` +
      "or predict them with a checkpoint: deno task predict CHECKPOINT " +
      quoteArgument(join(folder, first)),
  );
}

/** Kinds of names that are looked into. */
const MAX_KINDS = 16;

/** An image and a label, where labels have names of their own, as "mask_1.png"; or null. */
async function differentNames(
  source: FileSource,
  pictures: readonly string[],
): Promise<{ readonly image: string; readonly label: string } | null> {
  // A kind is a folder and how names in it begin.
  const kinds = Map.groupBy(
    pictures,
    (path) => path.replace(/(?<=^|\/)([a-z]*)[^/]*$/i, "$1"),
  );
  const images: string[] = [];
  const labels: string[] = [];
  for (const kind of [...kinds.values()].slice(0, MAX_KINDS)) {
    (await areLabels(source, kind) ? labels : images).push(...kind);
  }
  const [image, label] = [images[0], labels[0]];
  const isAside = label === undefined || 2 * labels.length < images.length;
  return isAside || image === undefined ? null : { image, label };
}

/** A file of the name of a picture, as the labels of other tools are; null: there is none. */
function fileOfName(
  files: readonly string[],
  pictures: readonly string[],
): string | null {
  const stemOf = (path: string) => path.replace(/^.*\/|\.[^./]*$/g, "");
  const known = new Set([
    ...pictures.map(stemOf),
    ...pictures.map((path) => basename(path)),
  ]);
  return files.filter((file) =>
    !PICTURE.test(file) && !isHidden(file) && known.has(stemOf(file))
  ).sort()[0] ?? null;
}

/** Pictures that are looked into. */
const MAX_LOOKED = 3;

async function areLabels(
  source: FileSource,
  pictures: readonly string[],
): Promise<boolean> {
  const looked = evenlySpacedIndices(pictures.length, MAX_LOOKED)
    .map((index) => pictures[index] ?? "");
  const found = await Promise.all(
    looked.map(async (path) => {
      try {
        return readLabelContents(await source.read(path), path).pixels !== null;
      } catch {
        return false; // no PNG
      }
    }),
  );
  return found.every(Boolean);
}
