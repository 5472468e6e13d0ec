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

import { describeOtherImages, imagesByStem } from "../file_data_set.ts";
import { createFileComparison } from "../source/combined_source.ts";
import { type FileSource, isHidden, joinPath } from "../source/file_source.ts";
import { isArchiveName } from "../source/open_source.ts";
import type { FindOptions, FoundFiles } from "./layout.ts";

/** Where folders of a data set may be. */
export interface FolderPlaces {
  /** Folders that may hold the data set, "" for the root itself. */
  readonly baseFolders: readonly string[];
  /** Names of the folders that unpacking each download into one of its own makes. */
  readonly downloads: RegExp;
}

/** Which folders hold a data set. */
export interface ParallelFolders extends FolderPlaces {
  readonly images: string;
  /** The first that exists is used. */
  readonly labels: readonly string[];
  /** Folders that may hold labels besides the base, as an archive of their own. */
  readonly labelBaseFolders?: readonly string[];
  /** Between a label's stem and ".png". */
  readonly labelSuffix?: string;
}

/**
 * Finds the folders of a name: the first in the base folders, and those in the folders into
 * which downloads were unpacked one by one, as `01_images/images` and `02_images/images`. A
 * folder that holds one of its own name stands for that.
 */
export async function findFolders(
  source: FileSource,
  name: string,
  { baseFolders, downloads }: FolderPlaces,
): Promise<string[]> {
  const places = (bases: readonly string[]) =>
    bases.flatMap((base) => {
      const folder = joinPath(base, name);
      return [joinPath(folder, name.replace(/^.*\//, "")), folder];
    });
  const found = [await source.findFirst(places(baseFolders))];
  for (const base of baseFolders) {
    const names = await source.listChildren(base) ?? [];
    const unpacked = names.filter((one) => downloads.test(one) && !isArchiveName(one));
    for (const download of unpacked.sort()) {
      const bases = baseFolders.map((inner) => joinPath(joinPath(base, download), inner));
      found.push(await source.findFirst(places(bases)));
    }
  }
  return [...new Set(found.filter((folder) => folder !== null))];
}

/** Every file below some folders, with its folder. */
export async function listFolders(
  source: FileSource,
  folders: readonly string[],
): Promise<(readonly [folder: string, files: readonly string[]])[]> {
  const listed: (readonly [string, readonly string[]])[] = [];
  for (const folder of folders) listed.push([folder, await source.list(folder) ?? []]);
  return listed;
}

/**
 * Joins the files of folders by their names.
 *
 * @throws {RangeError} If two of one name are not the same.
 */
export async function joinByName(
  source: FileSource,
  parts: readonly Iterable<readonly [name: string, path: string]>[],
): Promise<Map<string, string>> {
  const joined = new Map<string, string>();
  const isSameFile = createFileComparison();
  for (const [name, path] of parts.flatMap((part) => [...part])) {
    const other = joined.get(name);
    if (other !== undefined && !await isSameFile([source, other], [source, path])) {
      throw new RangeError(
        `Cannot use the data set: "${source.displayPath(other)}" and ` +
          `"${source.displayPath(path)}" have one name and are not the same: remove one`,
      );
    }
    if (other === undefined) joined.set(name, path);
  }
  return joined;
}

/** Finds the files in parallel folders; null if there is no folder of images. */
export async function findParallelFiles(
  source: FileSource,
  { labeled }: FindOptions,
  { baseFolders, downloads, images, labels, labelBaseFolders = [], labelSuffix = "" }:
    ParallelFolders,
): Promise<(FoundFiles & { readonly base: string }) | null> {
  const folders = await findFolders(source, images, { baseFolders, downloads });
  const [folder] = folders;
  if (folder === undefined) return null;
  const base = folder.split("/").slice(0, folder.split("/").indexOf(images)).join("/");
  const address = source.displayPath(folder);
  const imageFiles = await listFolders(source, folders);
  const stems = imageFiles.map(([folder, files]) =>
    new Map(
      [...imagesByStem(files, source.displayPath(folder))]
        .map(([stem, file]) => [stem, joinPath(folder, file)]),
    )
  );

  const bases = [...new Set([base, ...labelBaseFolders, ...baseFolders])];
  let labelFolders: string[] = [];
  for (const one of labeled ? labels : []) {
    if (labelFolders.length > 0) break;
    labelFolders = await findFolders(source, one, { baseFolders: bases, downloads });
  }
  const usual = labels.findLast((one) => one !== "") ?? "";
  const [labelFolder = joinPath(base, usual)] = labelFolders;
  const ending = `${labelSuffix}.png`;
  const labelFiles = await listFolders(source, labelFolders);
  return {
    base,
    address,
    images: await joinByName(source, stems),
    labels: await joinByName(
      source,
      labelFiles.map(([folder, files]) => filesByStem(files, folder, ending)),
    ),
    expectedLabel: (name) => source.displayPath(joinPath(labelFolder, name + ending)),
    splitNames: null,
    imageFolders: folders,
    labelFolders,
    otherImages: describeOtherImages(imageFiles.flatMap(([, files]) => files)),
  };
}

/**
 * The files of a folder that have an ending, in letters of either case, by their paths
 * without it. Of two that differ in that alone, the one with the ending as it stands is
 * taken.
 */
export function filesByStem(
  files: readonly string[],
  folder: string,
  ending: string,
): Map<string, string> {
  const byStem = new Map<string, string>();
  for (const file of files) {
    if (isHidden(file) || !hasEnding(file, ending)) continue;
    const stem = file.slice(0, -ending.length);
    if (byStem.has(stem) && !file.endsWith(ending)) continue;
    byStem.set(stem, joinPath(folder, file));
  }
  return byStem;
}

/** Whether a path has an ending, in letters of either case. */
export const hasEnding = (path: string, ending: string): boolean =>
  path.slice(-ending.length).toLowerCase() === ending.toLowerCase();

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
    imageFolders: [""],
    labelFolders: [],
    otherImages: null,
  };
}
