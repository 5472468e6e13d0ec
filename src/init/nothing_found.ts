/** Why nothing can be made of a folder, and what to do. @module */

import { join } from "node:path";
import { evenlySpacedIndices } from "../data/evenly_spaced.ts";
import { type FileSource, isHidden, quoteNames } from "../data/source/file_source.ts";
import { unsupportedArchiveHint } from "../data/source/open_source.ts";
import { countOf } from "./choose_images.ts";
import { quoteArgument } from "./config_text.ts";
import { picturesOf } from "./find_layouts.ts";
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
  if (await areLabels(source, pictures)) {
    return cannot(
      `it holds ${count} that look like labels, and no images of their names: name the ` +
        "folder that holds both",
    );
  }
  const groups = [
    ...Map.groupBy(pictures, (path) => path.replace(/\/?[^/]*$/, "")).values(),
  ];
  for (const group of groups.length === 2 ? groups : []) {
    if (!await areLabels(source, group)) continue;
    const [images = [], masks = []] = group === groups[1] ? groups : groups.toReversed();
    return cannot(
      `the names of "${images[0]}" and "${
        masks[0]
      }" are not the same: an image and its ` +
        "label have one name, but for what follows it, as in 1.jpg and 1_mask.png: rename " +
        "the ones",
    );
  }
  return cannot(
    `it holds ${count} and no labels of their names: label some, with labelme for example, ` +
      "or predict them with a checkpoint: deno task predict CHECKPOINT " +
      quoteArgument(join(folder, first)),
  );
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
