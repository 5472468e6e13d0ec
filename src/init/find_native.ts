/** The data sets that are read as they were downloaded, found by their layouts. @module */

import { classPixels } from "../data/class_counts.ts";
import { NATIVE_LAYOUTS } from "../data/native/native.ts";
import type { FoundFiles } from "../data/native/layout.ts";
import type { NativeDataSet } from "../data/native_classes.ts";
import type { FileSource } from "../data/source/file_source.ts";
import { decodePng } from "../formats/png.ts";
import { type FoundData, type FoundPart, imageKey } from "./found_data.ts";

/** What only these sets have, by the path of one of their files. */
const SIGNS: Readonly<Record<NativeDataSet, RegExp>> = {
  cityscapes: /(^|\/)leftImg8bit\/.*_leftImg8bit\.png$/,
  camvid: /(^|\/)701_StillsRaw_full\/[^/]+\.png$/,
  synthia: /(^|\/)GT\/LABELS\/[^/]+\.png$/,
  voc: /(^|\/)JPEGImages\/20(0[7-9]|1[0-2])_\d{6}\.jpg$/,
  gta5: /(^|\/)images\/\d{5}\.png$/,
};

/** The label id of roads and their color, which palettes of GTA5 have. */
const ROAD = { value: 7, color: "128,64,128" };

/**
 * Finds a known data set.
 *
 * @param root As a configuration names it.
 * @returns Null if the folder holds none.
 */
export async function findNative(
  source: FileSource,
  files: readonly string[],
  root: string,
): Promise<FoundData | null> {
  for (const set of Object.keys(SIGNS) as NativeDataSet[]) {
    if (!files.some((file) => SIGNS[set].test(file))) continue;
    const found = await NATIVE_LAYOUTS[set].findFiles(source, {
      split: null,
      labeled: true,
    });
    const isThis = found !== null && found.labels.size > 0 &&
      (set !== "gta5" || await hasRoadColor(source, found));
    if (isThis) return await nativeData(set, source, found, root);
  }
  return null;
}

// Folders of these names are common; the palette is not.
async function hasRoadColor(source: FileSource, { labels }: FoundFiles) {
  const [path = ""] = labels.values();
  const { palette } = decodePng(await source.read(path), source.displayPath(path));
  return palette?.[ROAD.value]?.join() === ROAD.color;
}

async function nativeData(
  set: NativeDataSet,
  source: FileSource,
  found: FoundFiles,
  root: string,
): Promise<FoundData> {
  const layout = NATIVE_LAYOUTS[set];
  const { title, classes, excluded } = layout;
  const isUsable = (name: string) => excluded?.names.has(name) !== true;
  const part = (
    name: string,
    settings: FoundPart["settings"],
    { images, labels }: FoundFiles,
    isWhole: boolean,
  ): FoundPart => {
    const names = [...images.keys()].filter(isUsable).sort();
    return {
      name,
      settings,
      labeled: names.filter((one) => labels.has(one)),
      unlabeled: names.filter((one) => !labels.has(one)),
      isWhole,
    };
  };
  const parts: FoundPart[] = [];
  const notes: string[] = [];
  for (const split of layout.splits ?? []) {
    const inSplit = await layout.findFiles(source, { split, labeled: true })
      .catch(() => null); // no list of this split
    const names = inSplit && (inSplit.splitNames ?? [...inSplit.images.keys()]);
    if (inSplit === null || names === null || names.length === 0) continue;
    const missing = names.filter((one) => !inSplit.labels.has(one));
    if (missing.length === names.length) continue;
    if (missing.length > 0) {
      notes.push(
        `${missing.length} of the ${names.length} images of the split "${split}" are not ` +
          `there with their labels (first: "${missing[0]}"): it is not used`,
      );
      continue;
    }
    const own = new Set(names);
    const images = new Map([...inSplit.images].filter(([name]) => own.has(name)));
    if (split !== "trainval") {
      parts.push(part(split, { set, root, split }, { ...inSplit, images }, true));
    }
  }
  if (!parts.some(({ name }) => name === "train")) {
    // Without a split of its own to train on, a list says what is: all there is.
    parts.splice(0, parts.length, part("all", { set, root }, found, false));
  }
  return {
    title: `${title}, as it is downloaded`,
    settings: { kind: "native" },
    parts,
    lists: new Map(),
    readList: () => Promise.resolve([]),
    notes,
    async readImage({ name }) {
      const path = found.images.get(name) ?? "";
      return { bytes: await source.read(path), path: source.displayPath(path) };
    },
    async readClasses(images, { progress, signal }) {
      const counts = new Map<string, readonly number[]>();
      for (const [i, image] of images.entries()) {
        signal?.throwIfAborted();
        const path = found.labels.get(image.name) ?? "";
        const bytes = await source.read(path);
        const label = layout.decoderOf(path)(bytes, source.displayPath(path));
        counts.set(imageKey(image), classPixels(label, classes.length));
        progress(i + 1, images.length);
      }
      return {
        classes,
        settings: {},
        reasons: [`classes and label values are those of ${title}`],
        counts,
      };
    },
  };
}
