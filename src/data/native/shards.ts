/**
 * Shards: archives in which the files of a picture lie side by side under one key, as
 * WebDataset writes them.
 *
 * ```text
 * <key>.jpg  <key>.png                  image, label
 * <key>.png  <key>.label.png            image, label
 * <key>.jpg  <key>.labelTrainIds.png    image, label of train ids (Cityscapes)
 * <key>.jpg  <key>.mat                  image, label of SBD (PASCAL VOC)
 * ```
 *
 * A key is a path up to the first dot of its last part. Labels hold the values of the
 * data set's own files.
 *
 * Source: https://github.com/webdataset/webdataset, "The WebDataset Format".
 *
 * @module
 */

import type { FileSource } from "../source/file_source.ts";
import type { Found } from "./layout.ts";

const IMAGES = ["jpg", "jpeg", "image.png", "png"];
const LABELS = ["labeltrainids.png", "label.png", "png"];

/**
 * Finds the pictures of a source by key; null if there are none.
 *
 * @param further What labels in further forms end in.
 */
export async function findShards(
  source: FileSource,
  nameOf: (key: string) => string,
  further: readonly string[],
): Promise<Found | null> {
  const byKey = new Map<string, Map<string, string>>();
  for (const path of await source.list("") ?? []) {
    const [, key, ending] = /^((?:.*\/)?[^/.]+)\.([^/]+)$/.exec(path) ?? [];
    if (key === undefined || ending === undefined) continue;
    const files = byKey.get(key) ?? new Map<string, string>();
    byKey.set(key, files.set(ending.toLowerCase(), path));
  }
  const images = new Map<string, string>();
  const labels = new Map<string, string>();
  for (const [key, files] of byKey) {
    const ending = IMAGES.find((one) => files.has(one));
    const image = ending === undefined ? undefined : files.get(ending);
    if (image === undefined) continue;
    const name = nameOf(key);
    images.set(name, image);
    const other = [...LABELS, ...further].find((one) => one !== ending && files.has(one));
    const label = other === undefined ? undefined : files.get(other);
    if (label !== undefined) labels.set(name, label);
  }
  if (images.size === 0) return null;
  return {
    folder: source.name,
    images,
    labels,
    labelOf: (name) => source.address(`${name}.label.png`),
    listed: null,
  };
}
