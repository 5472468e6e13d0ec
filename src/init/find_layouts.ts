/**
 * Which pictures of a folder have which labels, whatever the folders and files are called.
 *
 * Two files belong together where their names are the same but for a suffix, and their
 * folders but for one part: `images/train/a.jpg` and `labels/train/a.png`, `train/a.png` and
 * `trainannot/a.png`, `a.jpg` and `a_mask.png`. What most pairs have in common is a layout.
 *
 * @module
 */

import type { FilePattern } from "../data/data_spec.ts";
import { isHidden, joinPath } from "../data/source/file_source.ts";

/** Where labels and their images may be, in the words of `data.files`. */
export interface Layout extends FilePattern {
  /** Names of splits, where the folders have them in place of `{split}`; else empty. */
  readonly splits: readonly string[];
  /** The ending of the labels, as ".png". */
  readonly labelEnding: string;
  /** Pairs of an image and its label, of those files that were compared. */
  readonly pairs: readonly FilePair[];
}

/** An image and its label, by their paths. */
export interface FilePair {
  readonly image: string;
  readonly label: string;
}

/** Files that are pictures by their names, in formats that may be read or not. */
export const PICTURE = /\.(jpe?g|png|tiff?|bmp|gif|webp)$/i;

/** Formats in which an image may be. */
export const IMAGE = /\.(jpe?g|png|tiff?)$/i;

/** Files that are compared, in all and of a folder, so that 100,000 take no time. */
const MAX_COMPARED = 20_000;
const MAX_PER_FOLDER = 200;

/** Files of one name that are compared with each other. */
const MAX_OF_A_NAME = 12;

/** What splits are called; the longer words first. */
export const SPLIT_WORDS = [
  ...["training", "trainval", "train_val", "train", "validation", "valid", "val"],
  ...["testing", "test"],
  ...["eval", "dev"],
] as const;

/** A file among those that are compared. */
interface NamedFile {
  readonly path: string;
  readonly folder: readonly string[];
  readonly suffix: string;
}

/** The pictures of a listing: no hidden files, none that macOS adds to archives. */
export const picturesOf = (files: readonly string[]): string[] =>
  visibleFiles(files, PICTURE);

const visibleFiles = (files: readonly string[], others: RegExp): string[] =>
  files.filter((file) =>
    (PICTURE.test(file) || others.test(file)) && !isHidden(file) &&
    !file.startsWith("__MACOSX/")
  ).sort();

/**
 * Finds every layout that fits a pair of files, those of the most pairs first. A pair is
 * in one of them for each way to read it: which files are labels, their names do not say.
 *
 * @param files Paths from the data set's folder.
 * @param isLabel What labels end in.
 */
export function findLayouts(files: readonly string[], isLabel = PICTURE): Layout[] {
  const some = someOf(visibleFiles(files, isLabel));
  return layoutsIn(groupsOfFiles(some, nearFolders), isLabel);
}

/**
 * Finds layouts by the names of files alone, where folders differ in more than one part, as
 * `images` and `annotations/trimaps`.
 */
export const findDistantLayouts = (files: readonly string[]): Layout[] =>
  layoutsIn(groupsOfFiles(someOf(picturesOf(files)), () => [""]), PICTURE);

function layoutsIn(groups: readonly NamedFile[][], isLabel: RegExp): Layout[] {
  const found = new Map<string, Layout & { pairs: FilePair[]; splits: string[] }>();
  const known = new Set<string>();
  for (const group of groups) {
    for (const image of group) {
      if (!IMAGE.test(image.path)) continue;
      for (const label of group) {
        const isSamePlace = image.path === label.path || !isLabel.test(label.path) ||
          (image.suffix === label.suffix && image.suffix !== "");
        if (isSamePlace) continue;
        const pairKey = [image.path, label.path, image.suffix, label.suffix].join("\0");
        if (known.has(pairKey)) continue;
        known.add(pairKey);
        const { images, labels, split } = patternOf(image.folder, label.folder);
        const labelEnding = /\.[^.]+$/.exec(label.path)?.[0].toLowerCase() ?? "";
        const suffixes = { imageSuffix: image.suffix, labelSuffix: label.suffix };
        const key = JSON.stringify([images, labels, suffixes, labelEnding]);
        const layout = found.get(key) ??
          { images, labels, ...suffixes, labelEnding, splits: [], pairs: [] };
        layout.pairs.push({ image: image.path, label: label.path });
        if (split !== null && !layout.splits.includes(split)) layout.splits.push(split);
        found.set(key, layout);
      }
    }
  }
  return [...found.values()].map(withCommonFolder)
    .sort((a, b) => b.pairs.length - a.pairs.length || b.splits.length - a.splits.length);
}

// Of every folder the first files: names that belong together stand at the same place.
function someOf(files: readonly string[]): string[] {
  const byFolder = new Map<string, string[]>();
  for (const file of files) {
    const folder = file.replace(/[^/]*$/, "");
    const inFolder = byFolder.get(folder) ?? [];
    inFolder.push(file);
    byFolder.set(folder, inFolder);
  }
  const most = Math.min(
    MAX_PER_FOLDER,
    Math.max(4, Math.floor(MAX_COMPARED / byFolder.size)),
  );
  return [...byFolder.values()].flatMap((inFolder) => inFolder.slice(0, most));
}

/** A folder, and it without one of its parts. */
const nearFolders = (folder: readonly string[]): string[] =>
  [folder, ...folder.map((_, i) => folder.toSpliced(i, 1))].map((parts) =>
    parts.join("/")
  );

/** Files that may belong together: of one name, in folders that have a place in common. */
function groupsOfFiles(
  files: readonly string[],
  placesOf: (folder: readonly string[]) => readonly string[],
): NamedFile[][] {
  const groups = new Map<string, NamedFile[]>();
  for (const path of files) {
    const folder = path.split("/").slice(0, -1);
    const stem = path.replace(/^.*\/|\.[^.]*$/g, "");
    const places = placesOf(folder);
    for (const suffix of suffixesOf(stem)) {
      const name = stem.slice(0, stem.length - suffix.length);
      for (const place of new Set(places)) {
        const key = `${place}\0${name}`;
        const group = groups.get(key) ?? [];
        if (group.length < MAX_OF_A_NAME) group.push({ path, folder, suffix });
        groups.set(key, group);
      }
    }
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

/** What may be no part of an image's name: nothing, its last words, or a word for a label. */
function suffixesOf(stem: string): string[] {
  const words = [...stem.matchAll(/[_\-. ]+(?=[^_\-. ])/g)].slice(-3)
    .map(({ index }) => stem.slice(index))
    .filter((suffix) => /[a-z]/i.test(suffix) && suffix.length < stem.length);
  const [glued] = /(?<=\d)(mask|label|labels|gt|seg|annot)$/i.exec(stem) ?? [];
  return [...new Set(["", ...words, ...(glued === undefined ? [] : [glued])])];
}

/** The folders of an image and of its label, with `{split}` where both have its name. */
function patternOf(
  image: readonly string[],
  label: readonly string[],
): { readonly images: string; readonly labels: string; readonly split: string | null } {
  let common = 0;
  while (
    common < Math.min(image.length, label.length) &&
    image.at(-1 - common) === label.at(-1 - common)
  ) common++;
  const heads = [image, label].map((parts) => parts.slice(0, parts.length - common));
  const [imageHead = [], labelHead = []] = heads;
  const tail = image.slice(image.length - common);
  for (const word of SPLIT_WORDS) {
    const [images, labels] = heads.map((parts) => withoutSplit(parts.join("/"), word));
    if (images && labels) {
      return { images: images.pattern, labels: labels.pattern, split: images.split };
    }
  }
  const at = tail.findIndex((part) => isSplitName(part));
  const above = at < 0 ? [] : [...tail.slice(0, at), "{split}"];
  return {
    images: [...imageHead, ...above].join("/"),
    labels: [...labelHead, ...above].join("/"),
    split: tail[at] ?? null,
  };
}

/** Whether a folder is called as splits are. */
export const isSplitName = (name: string): boolean =>
  SPLIT_WORDS.some((word) => word === name.toLowerCase());

/** What may follow the name of a split in that of a folder, as in "trainannot". */
const AFTER_SPLIT = "(?=$|[^a-z]|annot|anno|mask|label|image|img|gt)";

/** Puts `{split}` for a word: at the start of a name, or behind a delimiter. */
export function withoutSplit(
  path: string,
  word: string,
): { readonly pattern: string; readonly split: string } | null {
  const found = new RegExp(`(?<=^|[/_\\-. ])${word}${AFTER_SPLIT}`, "i").exec(path);
  if (found === null) return null;
  const [split] = found;
  const pattern = path.slice(0, found.index) + "{split}" +
    path.slice(found.index + split.length);
  return { pattern, split };
}

// Images and labels side by side, with no split among them: the folder that has them all.
function withCommonFolder(layout: Layout): Layout {
  const { images, labels, pairs } = layout;
  if (images !== "" || labels !== "") {
    return { ...layout, images: images || ".", labels: labels || "." };
  }
  const folders = pairs.map(({ image }) => image.split("/").slice(0, -1));
  const [first = []] = folders;
  const length = first.findIndex((part, i) => folders.some((one) => one[i] !== part));
  const common = first.slice(0, length < 0 ? first.length : length).join("/") || ".";
  return { ...layout, images: common, labels: common };
}

/** A folder of a pattern, for one split. */
export const folderOf = (pattern: string, split: string): string => {
  const folder = pattern.replaceAll("{split}", split);
  return folder === "." ? "" : joinPath("", folder);
};
