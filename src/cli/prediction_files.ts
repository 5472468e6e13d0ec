/** Where predictions go as files, and what they look like. @module */
import type { ClassInfo, Pixels } from "../core/host_batch.ts";
import { displayRgb } from "../formats/display_rgb.ts";
import { encodePng } from "../formats/png.ts";
import { assertWritableFolder, writeOutputFile } from "../io/output_file.ts";
import { cityscapesLabelIds, type LabelIdKind } from "./cityscapes_label_ids.ts";
import { overlay } from "./colorize.ts";
import { basename, dirname, extname, join, resolve, sep } from "node:path";

/** The files of a prediction. */
export interface PredictionPaths {
  /** 8-bit ids as a PNG: of classes, with their colors as palette, or gray label ids. */
  readonly labels: string;
  /** The colors laid over the picture, as a PNG; null: none. */
  readonly overlay: string | null;
}

/** A picture and the class of each of its pixels. */
export interface LabeledImage {
  readonly width: number;
  readonly height: number;
  /** C; red, green, blue if left out. */
  readonly channels?: number;
  /** [H, W, C] */
  readonly data: Pixels;
  /** Class ids. [H, W] */
  readonly labels: Uint8Array;
}

/**
 * Prepares the writing of predictions.
 *
 * @param ids What the values of label files are.
 * @returns Writes the files of a prediction, and the folders above them.
 * @throws {RangeError} If the classes have no such ids.
 */
export function createPredictionWriter(
  classes: readonly ClassInfo[],
  ids: LabelIdKind,
): (paths: PredictionPaths, prediction: LabeledImage) => Promise<void> {
  const palette = classes.map(({ color }) => color);
  const labelIds = ids === "labelIds" ? cityscapesLabelIds(classes) : null;
  return async (paths, { width, height, channels = 3, data, labels }) => {
    const size = { width, height };
    const map = labelIds === null
      ? { data: labels, palette }
      : { data: labels.map((id) => labelIds[id] ?? 0) };
    await writeOutputFile(paths.labels, encodePng({ ...size, channels: 1, ...map }));
    if (paths.overlay === null) return;
    const rgb = overlay(displayRgb(data, channels), labels, classes);
    await writeOutputFile(paths.overlay, encodePng({ ...size, channels: 3, data: rgb }));
  };
}

/**
 * Names `<stem>_labels.png` and `<stem>_overlay.png` for each image, in order; for label
 * ids `<stem>.png` alone, as the server of Cityscapes takes any file that begins with the
 * name of an image for its result, and accepts one.
 *
 * @param out The folder for all of them; null: beside each image.
 * @throws {RangeError} If one of them would overwrite an image, or that of another image.
 */
export async function predictionPaths(
  images: readonly string[],
  out: string | null,
  ids: LabelIdKind,
): Promise<(PredictionPaths & { readonly image: string })[]> {
  const inputs = new Set(await Promise.all(images.map(canonicalPath)));
  const imagesByResult = new Map<string, string>();
  const paths: (PredictionPaths & { readonly image: string })[] = [];
  for (const image of images) {
    const stem = join(out ?? dirname(image), basename(image, extname(image)));
    const outputs = ids === "labelIds"
      ? { image, labels: `${stem}.png`, overlay: null }
      : { image, labels: `${stem}_labels.png`, overlay: `${stem}_overlay.png` };
    for (const path of [outputs.labels, outputs.overlay]) {
      if (path === null) continue;
      const key = await canonicalPath(path);
      const other = imagesByResult.get(key);
      if (inputs.has(key) || other !== undefined) {
        throw new RangeError(
          `Cannot predict "${image}": its result "${path}" would overwrite ` +
            (other === undefined
              ? "an input; choose another --out"
              : `that of "${other}"; predict them in two calls with two --out`),
        );
      }
      imagesByResult.set(key, image);
    }
    paths.push(outputs);
  }
  return paths;
}

/** One name per file, as far as it exists: links and ".." are followed. */
async function canonicalPath(path: string): Promise<string> {
  const whole = resolve(path);
  try {
    return await Deno.realPath(whole);
  } catch (error) {
    const { NotFound, NotADirectory } = Deno.errors; // below an archive, for one
    if (!(error instanceof NotFound || error instanceof NotADirectory)) throw error;
    const folder = dirname(whole);
    return folder === whole ? whole : join(await canonicalPath(folder), basename(whole));
  }
}

/** What a configuration says of where data sets are. */
interface DataRootsConfig {
  readonly root?: string | null;
  readonly source?: object;
  readonly target?: object | null;
  readonly evaluations?: Readonly<Record<string, object>>;
}

/** Folders in which data sets keep their own files. */
const DATA_SET_FOLDERS = [
  ...["images", "labels", "leftImg8bit", "gtFine", "RGB", "GT", "JPEGImages"],
  ...["SegmentationClass", "SegmentationClassAug", "RAND_CITYSCAPES", "VOCdevkit"],
];

/**
 * Opens a folder that receives `<name>.png` and `<name>_overlay.png` of every picture; of
 * label ids, which are for a server that wants nothing else, `<name>.png` alone.
 *
 * @param folder Undefined: nothing is written.
 * @param data Its `root`, and those of its parts, are the folders of data sets.
 * @param ids What the values of `<name>.png` are.
 * @returns Writes one prediction, by the stem of its picture, which may have folders in it.
 * @throws {RangeError} If the folder is among the data set's own files, the classes have
 * no such ids, or label ids are wanted and no folder is given.
 * @throws {Error} If the folder cannot be written to.
 */
export async function openPredictionFolder(
  folder: string | undefined,
  classes: readonly ClassInfo[],
  data: DataRootsConfig,
  ids: LabelIdKind,
): Promise<(prediction: LabeledImage & { readonly name: string }) => Promise<void>> {
  if (folder === undefined) {
    if (ids === "classIds") return () => Promise.resolve();
    throw new RangeError(`Cannot write ${ids}: name the folder with --save DIR`);
  }
  for (const root of dataRoots(data)) await assertOutsideDataSet(folder, root);
  await assertWritableFolder(folder);
  const write = createPredictionWriter(classes, ids);
  return (prediction) => {
    const paths = predictionPathsIn(folder, prediction.name);
    return write(ids === "labelIds" ? { ...paths, overlay: null } : paths, prediction);
  };
}

/**
 * Names `<name>.png` and `<name>_overlay.png` in a folder.
 *
 * @param name The stem of a picture of a data set; may have folders in it.
 * @throws {RangeError} If it leads out of the folder.
 */
function predictionPathsIn(folder: string, name: string): PredictionPaths {
  const stem = resolve(folder, name);
  if (!stem.startsWith(resolve(folder) + sep)) {
    throw new RangeError(`Cannot save "${name}": it leads out of "${folder}"`);
  }
  return { labels: `${stem}.png`, overlay: `${stem}_overlay.png` };
}

/** The folders of a run's data sets: one for all, and where a part has its own. */
function dataRoots(
  { root = null, source, target, evaluations = {} }: DataRootsConfig,
): string[] {
  const stringValue = (part: object, key: string) => {
    const value: unknown = Reflect.get(part, key);
    return typeof value === "string" ? value : null;
  };
  const splitRoots = [source, target, ...Object.values(evaluations)].flatMap((part) => {
    if (part === undefined || part === null) return [];
    const set = stringValue(part, "set");
    return [stringValue(part, "root"), root && set && join(root, set)];
  });
  return [...new Set([root, ...splitRoots])].filter((one) => one !== null);
}

/**
 * Refuses to write among the files of a data set.
 *
 * @param root The data set's folder.
 * @throws {RangeError} If the folder is in its images or labels.
 */
async function assertOutsideDataSet(folder: string, root: string): Promise<void> {
  const target = await canonicalPath(folder) + sep;
  for (const part of DATA_SET_FOLDERS) {
    if (!target.startsWith(await canonicalPath(join(root, part)) + sep)) continue;
    throw new RangeError(
      `Cannot save into "${folder}": it is part of the data set "${root}", whose files ` +
        "would be overwritten; choose another folder",
    );
  }
}
