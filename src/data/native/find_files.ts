/**
 * The two ways in which the files of most data sets are found.
 *
 * Parallel folders: one of images and one of labels, with the same file names.
 *
 * Shards: archives in which the files of an image lie side by side under one key, as
 * WebDataset writes them.
 *
 * ```text
 * <key>.jpg  <key>.png                  image, label
 * <key>.png  <key>.label.png            image, label
 * <key>.jpg  <key>.labelTrainIds.png    image, label of train ids (Cityscapes)
 * <key>.jpg  <key>.mat                  image, label of SBD (PASCAL VOC)
 * ```
 *
 * A key is a path up to the first dot of its last part. Labels hold the values of the data
 * set's own files. Source: https://github.com/webdataset/webdataset, "The WebDataset
 * Format".
 *
 * @module
 */

import { imagesByStem } from "../file_data_set.ts";
import { type FileSource, isHidden, joinPath } from "../source/file_source.ts";
import type { FindOptions, FoundFiles } from "./layout.ts";

/** Which folders hold a data set. */
export interface ParallelFolders {
  /** Folders that may hold the data set, "" for the root itself. */
  readonly baseFolders: readonly string[];
  readonly images: string;
  /** The first that exists is used. */
  readonly labels: readonly string[];
  /** Folders that may hold labels besides the base, as an archive of their own. */
  readonly labelBaseFolders?: readonly string[];
  /** Between a label's stem and ".png". */
  readonly labelSuffix?: string;
}

/** Finds the files in parallel folders; null if there is no folder of images. */
export async function findParallelFiles(
  source: FileSource,
  { labeled }: FindOptions,
  { baseFolders, images, labels, labelBaseFolders = [], labelSuffix = "" }:
    ParallelFolders,
): Promise<(FoundFiles & { readonly base: string }) | null> {
  const folder = await source.findFirst(
    baseFolders.map((base) => joinPath(base, images)),
  );
  if (folder === null) return null;
  const base = folder === images ? "" : folder.slice(0, -images.length - 1);
  const address = source.displayPath(folder);
  const stems = imagesByStem(await source.list(folder) ?? [], address);

  let labelFolder: string | null = null;
  for (const one of labeled ? labels : []) {
    const bases = [base, ...labelBaseFolders];
    labelFolder ??= await source.findFirst(bases.map((at) => joinPath(at, one)));
  }
  labelFolder ??= joinPath(base, labels.at(-1) ?? "");
  const ending = `${labelSuffix}.png`;
  const labelFiles = labeled ? await source.list(labelFolder) : null;
  return {
    base,
    address,
    images: new Map([...stems].map(([stem, file]) => [stem, joinPath(folder, file)])),
    labels: filesByStem(labelFiles ?? [], labelFolder, ending),
    expectedLabel: (name) => source.displayPath(joinPath(labelFolder, name + ending)),
    splitNames: null,
  };
}

/** The files of a folder that have an ending, by their paths without it. */
export const filesByStem = (
  files: readonly string[],
  folder: string,
  ending: string,
): Map<string, string> =>
  new Map(
    files.filter((file) => file.endsWith(ending) && !isHidden(file))
      .map((file) => [file.slice(0, -ending.length), joinPath(folder, file)]),
  );

/** The stem of a line that may be a path: `JPEGImages/2007_000032.jpg` → `2007_000032`. */
export const fileStem = (line: string): string =>
  line.replace(/^.*\//, "").replace(/\.(png|jpe?g)$/i, "");

const SHARD_IMAGE_EXTENSIONS = ["jpg", "jpeg", "image.png", "png"];
const SHARD_LABEL_EXTENSIONS = ["labeltrainids.png", "label.png", "png"];

/**
 * Finds the images of shards by key; null if there are none.
 *
 * @param extraExtensions Endings of labels that were published apart.
 */
export async function findShards(
  source: FileSource,
  nameOf: (key: string) => string,
  extraExtensions: readonly string[],
): Promise<FoundFiles | null> {
  const byKey = new Map<string, Map<string, string>>();
  for (const path of await source.list("") ?? []) {
    const [, key, extension] = /^((?:.*\/)?[^/.]+)\.([^/]+)$/.exec(path) ?? [];
    if (key === undefined || extension === undefined) continue;
    const files = byKey.get(key) ?? new Map<string, string>();
    byKey.set(key, files.set(extension.toLowerCase(), path));
  }
  const images = new Map<string, string>();
  const labels = new Map<string, string>();
  for (const [key, files] of byKey) {
    const first = (extensions: readonly string[]) =>
      extensions.map((one) => files.get(one)).find((path) => path !== undefined);
    const image = first(SHARD_IMAGE_EXTENSIONS);
    if (image === undefined) continue;
    const name = nameOf(key);
    images.set(name, image);
    const label = first(
      [...SHARD_LABEL_EXTENSIONS, ...extraExtensions].filter((one) =>
        files.get(one) !== image
      ),
    );
    if (label !== undefined) labels.set(name, label);
  }
  if (images.size === 0) return null;
  return {
    address: source.name,
    images,
    labels,
    expectedLabel: (name) => source.displayPath(`${name}.label.png`),
    splitNames: null,
  };
}
