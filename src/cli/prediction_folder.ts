/** A folder for the predictions of a whole data set. @module */
import { join, resolve, sep } from "node:path";
import type { ClassInfo } from "../core/host_batch.ts";
import {
  identity,
  type Labelled,
  type PredictionPaths,
  writePrediction,
} from "./prediction_files.ts";

/**
 * Opens a folder that receives `<name>.png` and `<name>_overlay.png` of every picture.
 *
 * @param folder Undefined: nothing is written.
 * @param data Its `root` is the data set's folder, if it has one.
 * @returns Writes one prediction, by the stem of its picture, which may have folders in it.
 * @throws {RangeError} If the folder is among the data set's own files.
 */
export async function openPredictionFolder(
  folder: string | undefined,
  classes: readonly ClassInfo[],
  data: { readonly kind: string; readonly root?: string | null },
): Promise<(prediction: Labelled & { readonly name: string }) => Promise<void>> {
  if (folder === undefined) return () => Promise.resolve();
  await assertApart(folder, data.root ?? null);
  return (prediction) =>
    writePrediction(pathsInside(folder, prediction.name), prediction, classes);
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

/**
 * Refuses to write among the files of a data set.
 *
 * @param root The data set's folder; null: it has none.
 * @throws {RangeError} If the folder is in its images or labels.
 */
async function assertApart(folder: string, root: string | null): Promise<void> {
  if (root === null) return;
  const target = await identity(folder) + sep;
  for (const part of ["images", "labels"]) {
    if (!target.startsWith(await identity(join(root, part)) + sep)) continue;
    throw new RangeError(
      `Cannot save into "${folder}": it is part of the data set "${root}", whose files ` +
        "would be overwritten; choose another folder",
    );
  }
}
