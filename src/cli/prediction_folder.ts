/** A folder for the predictions of a whole data set. @module */
import { join, resolve, sep } from "node:path";
import type { ClassInfo } from "../core/host_batch.ts";
import type { Ids } from "./label_ids.ts";
import {
  identity,
  type Labelled,
  type PredictionPaths,
  predictionWriter,
} from "./prediction_files.ts";
import { assertWritableFolder } from "./writable.ts";

/** What a configuration says of where data sets are. */
interface DataRoots {
  readonly root?: string | null;
  readonly source?: object;
  readonly target?: object | null;
  readonly evaluations?: Readonly<Record<string, object>>;
}

/** Folders in which data sets keep their own files. */
const PARTS = [
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
  data: DataRoots,
  ids: Ids,
): Promise<(prediction: Labelled & { readonly name: string }) => Promise<void>> {
  if (folder === undefined) {
    if (ids === "classIds") return () => Promise.resolve();
    throw new RangeError(`Cannot write ${ids}: say into which folder with --save DIR`);
  }
  for (const root of rootsOf(data)) await assertApart(folder, root);
  await assertWritableFolder(folder);
  const write = predictionWriter(classes, ids);
  return (prediction) => {
    const paths = pathsInside(folder, prediction.name);
    return write(ids === "labelIds" ? { ...paths, overlay: null } : paths, prediction);
  };
}

/**
 * Names `<name>.png` and `<name>_overlay.png` in a folder.
 *
 * @param name The stem of a picture of a data set; may have folders in it.
 * @throws {RangeError} If it leads out of the folder.
 */
function pathsInside(folder: string, name: string): PredictionPaths {
  const stem = resolve(folder, name);
  if (!stem.startsWith(resolve(folder) + sep)) {
    throw new RangeError(`Cannot save "${name}": it leads out of "${folder}"`);
  }
  return { labels: `${stem}.png`, overlay: `${stem}_overlay.png` };
}

/** The folders of a run's data sets: one for all, and where a part has its own. */
function rootsOf({ root = null, source, target, evaluations = {} }: DataRoots): string[] {
  const textOf = (part: object, key: string) => {
    const value: unknown = Reflect.get(part, key);
    return typeof value === "string" ? value : null;
  };
  const parts = [source, target, ...Object.values(evaluations)].flatMap((part) => {
    if (part === undefined || part === null) return [];
    const set = textOf(part, "set");
    return [textOf(part, "root"), root && set && join(root, set)];
  });
  return [...new Set([root, ...parts])].filter((one) => one !== null);
}

/**
 * Refuses to write among the files of a data set.
 *
 * @param root The data set's folder.
 * @throws {RangeError} If the folder is in its images or labels.
 */
async function assertApart(folder: string, root: string): Promise<void> {
  const target = await identity(folder) + sep;
  for (const part of PARTS) {
    if (!target.startsWith(await identity(join(root, part)) + sep)) continue;
    throw new RangeError(
      `Cannot save into "${folder}": it is part of the data set "${root}", whose files ` +
        "would be overwritten; choose another folder",
    );
  }
}
