/** Data sets of one folder of images and one of labels, with the same file names. @module */

import { picturesByStem } from "../picture_pairs.ts";
import { below, type FileSource } from "../source/file_source.ts";
import type { Found, Wanted } from "./layout.ts";

/** Which folders those are. */
export interface TwoFolders {
  /** Folders that may hold the data set, "" for what was named itself. */
  readonly bases: readonly string[];
  readonly images: string;
  /** The first that exists is taken. */
  readonly labels: readonly string[];
  /** Folders that may hold labels besides the base, as an archive of their own. */
  readonly labelBases?: readonly string[];
  /** Between a label's stem and ".png". */
  readonly labelSuffix?: string;
}

/** Finds the files; null if there is no folder of images. */
export async function findSideBySide(
  source: FileSource,
  { labelled }: Wanted,
  { bases, images, labels, labelBases = [], labelSuffix = "" }: TwoFolders,
): Promise<(Found & { readonly base: string }) | null> {
  const folder = await source.locate(bases.map((base) => below(base, images)));
  if (folder === null) return null;
  const base = folder === images ? "" : folder.slice(0, -images.length - 1);
  const stems = picturesByStem(await source.list(folder) ?? [], source.address(folder));

  let labelFolder = below(base, labels[labels.length - 1] ?? "");
  for (const one of labelled ? labels : []) {
    const there = await source.locate([base, ...labelBases].map((at) => below(at, one)));
    if (there === null) continue;
    labelFolder = there;
    break;
  }
  const ending = `${labelSuffix}.png`;
  const found = new Map<string, string>();
  for (const file of (labelled ? await source.list(labelFolder) : null) ?? []) {
    if (!file.endsWith(ending) || /(^|\/)\./.test(file)) continue;
    found.set(file.slice(0, -ending.length), below(labelFolder, file));
  }
  return {
    base,
    folder: source.address(folder),
    images: new Map([...stems].map(([stem, file]) => [stem, below(folder, file)])),
    labels: found,
    labelOf: (name) => source.address(below(labelFolder, `${name}${ending}`)),
    listed: null,
  };
}

/** The stem of a line that may be a path: `JPEGImages/2007_000032.jpg` → `2007_000032`. */
export const stemOf = (line: string): string =>
  line.replace(/^.*\//, "").replace(/\.(png|jpe?g)$/i, "");
