/** The splits of a data set in files: which images they have, with labels and without. @module */

import type { FileDataSpec } from "../data/data_spec.ts";
import type { SampleFiles } from "../data/data_set.ts";
import { listDataSetFiles } from "../data/open_data_set.ts";
import { type FileSource, isInFolder } from "../data/source/file_source.ts";
import { TARGET_WORDS, UNLABELED_WORDS } from "./choose_images.ts";
import { folderOf, isSplitName, type Layout, picturesOf } from "./find_layouts.ts";
import { type FoundPart, imageKey } from "./found_data.ts";

/** The parts of a data set in folders, and where their images and labels are. */
export interface FoundParts {
  readonly parts: readonly FoundPart[];
  /** By the key of the image. */
  readonly pathsOf: ReadonlyMap<string, Pick<SampleFiles, "image" | "label">>;
  /** What to know, a sentence each. */
  readonly notes: readonly string[];
}

/** How the files of every split are listed. */
export interface PartSearch {
  readonly splits: readonly string[];
  /** Where the images of a split are. */
  readonly imageFolder: (split: string) => string;
  /** Where its labels are; null: nowhere, it has none. */
  readonly labelFolder: (split: string) => string | null;
  readonly specOf: (split: string, labeled: boolean) => FileDataSpec;
  /** Whether the labels of a split say which images it has. */
  readonly labelsChoose: boolean;
}

/** Lists the files of every split, as a run does. */
export async function findParts(
  source: FileSource,
  { splits, imageFolder, labelFolder, specOf, labelsChoose }: PartSearch,
): Promise<FoundParts> {
  const pathsOf = new Map<string, Pick<SampleFiles, "image" | "label">>();
  const parts: FoundPart[] = [];
  const notes: string[] = [];
  for (const split of splits) {
    const folder = labelFolder(split);
    const isLabeled = folder !== null && await source.findFirst([folder]) !== null;
    const all = await listDataSetFiles(specOf(split, false));
    const labeled = isLabeled ? await listDataSetFiles(specOf(split, true)) : null;
    const labelFolders = splits.map(labelFolder)
      .filter((one) => one !== null && one !== "" && one !== imageFolder(split));
    const isImage = ({ image }: SampleFiles) =>
      !labelFolders.some((one) => one !== null && isInFolder(image, one));
    const samples = labeled?.usable.samples.filter(isImage) ?? [];
    for (const sample of [...all.usable.samples, ...samples]) {
      pathsOf.set(imageKey({ part: split, name: sample.name }), sample);
    }
    const withLabel = new Set(samples.map(({ name }) => name));
    const names = all.usable.samples.filter(isImage).map(({ name }) => name);
    const [orphan] = labeled?.orphanLabels ?? [];
    if (withLabel.size > 0 && orphan !== undefined) {
      notes.push(
        `labels without an image are left out: ${labeled?.orphanLabels.length} (first: ` +
          `"${orphan}")`,
      );
    }
    notes.push(...all.usable.notes ?? [], ...all.problems);
    const isChosen = labelsChoose && withLabel.size > 0;
    parts.push({
      name: split,
      settings: { split },
      labeled: names.filter((name) => withLabel.has(name)),
      unlabeled: names.filter((name) => !withLabel.has(name)),
      isWhole: isChosen || (names.length === all.usable.samples.length &&
        (withLabel.size === 0 || withLabel.size === names.length)),
    });
  }
  return {
    parts: withoutLabeledElsewhere(parts, imageFolder),
    pathsOf,
    notes: [...new Set(notes)],
  };
}

// Splits may share a folder of images: what has a label in one is not unlabeled in another.
function withoutLabeledElsewhere(
  parts: readonly FoundPart[],
  imageFolder: (split: string) => string,
): FoundPart[] {
  return parts.map((part, i) => {
    const sharing = parts.filter(({ name }) =>
      imageFolder(name) === imageFolder(part.name)
    );
    const labeled = new Set(sharing.flatMap((one) => one.labeled));
    // Of images without labels, the first of those that share them has all.
    const isFirst = sharing[0] === parts[i];
    const unlabeled = isFirst ? part.unlabeled.filter((name) => !labeled.has(name)) : [];
    return sharing.length === 1 ? part : { ...part, unlabeled };
  });
}

/** Where labels of splits are, of a layout. */
export const labelFolderOf =
  ({ images, labels, splits }: Layout) => (split: string): string | null =>
    // Where images of another split share no folder of labels, they have none.
    labels.includes("{split}") || !images.includes("{split}") || split === splits[0]
      ? folderOf(labels, split)
      : null;

/** Names of the splits that have images. */
export function splitsOf(
  files: readonly string[],
  { images, labels, splits }: Layout,
): string[] {
  if (!images.includes("{split}")) return ["all"];
  const [before = "", after = ""] = images.split("{split}");
  const found = new Set(splits);
  for (const file of picturesOf(files)) {
    if (!file.startsWith(before)) continue;
    const end = after === ""
      ? file.indexOf("/", before.length)
      : file.indexOf(`${after}/`);
    if (end > before.length) found.add(file.slice(before.length, end));
  }
  const labelFolders = new Set([...splits].map((split) => folderOf(labels, split)));
  const isOwn = (split: string) =>
    splits.includes(split) ||
    ((isSplitName(split) || UNLABELED_WORDS.test(split) || TARGET_WORDS.test(split)) &&
      !labelFolders.has(folderOf(images, split)));
  // Those of the layout first: they have labels.
  return [...splits, ...[...found].filter((one) => !splits.includes(one)).sort()]
    .filter(isOwn);
}

/** Names of the images of a data set. */
export async function listedNames(spec: FileDataSpec): Promise<string[]> {
  const { usable } = await listDataSetFiles(spec);
  return usable.samples.map(({ name }) => name);
}

/** Lists of a data set, by the split that they are called after; those at the top first. */
export function listsOf(
  source: FileSource,
  files: readonly string[],
): Map<string, string> {
  const lists = new Map<string, string>();
  const isUnpacked = (source.unpackedRoot?.() ?? null) !== null;
  const found = isUnpacked
    ? files.filter((file) => /(^|\/)(train|val|valid|validation|test)\.txt$/i.test(file))
    : [];
  const depth = (file: string) => file.split("/").length;
  const isOther = (file: string) => /ImageSets\/(?!Segmentation)/.test(file);
  for (const file of found.toSorted((a, b) => depth(a) - depth(b))) {
    const name = file.replace(/^.*\/|\.txt$/gi, "").toLowerCase();
    if (!lists.has(name) && !isOther(file)) lists.set(name, source.displayPath(file));
  }
  return lists;
}
