/** Where predictions go as files, and what they look like. @module */
import { basename, dirname, extname, join, resolve } from "node:path";
import type { ClassInfo } from "../core/host_batch.ts";
import { encodePng } from "../core/png.ts";
import { type Ids, labelIdsOf } from "./label_ids.ts";
import { overlay } from "./label_picture.ts";
import { writeResult } from "./writable.ts";

/** The files of a prediction. */
export interface PredictionPaths {
  /** 8-bit ids as a PNG: of classes, with their colours as palette, or grey label ids. */
  readonly labels: string;
  /** The colours laid over the picture, as a PNG; null: none. */
  readonly overlay: string | null;
}

/** A picture and the class of each of its pixels. */
export interface Labelled {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue in 0 … 255. [H, W, 3] */
  readonly data: Uint8Array;
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
export function predictionWriter(
  classes: readonly ClassInfo[],
  ids: Ids,
): (paths: PredictionPaths, prediction: Labelled) => Promise<void> {
  const palette = classes.map(({ color }) => color);
  const labelIds = ids === "labelIds" ? labelIdsOf(classes) : null;
  return async (paths, { width, height, data, labels }) => {
    const size = { width, height };
    const map = labelIds === null
      ? { data: labels, palette }
      : { data: labels.map((id) => labelIds[id] ?? 0) };
    await writeResult(paths.labels, encodePng({ ...size, channels: 1, ...map }));
    if (paths.overlay === null) return;
    const rgb = overlay(data, labels, classes);
    await writeResult(paths.overlay, encodePng({ ...size, channels: 3, data: rgb }));
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
  ids: Ids,
): Promise<(PredictionPaths & { readonly image: string })[]> {
  const inputs = new Set(await Promise.all(images.map(identity)));
  const results = new Map<string, string>();
  const paths: (PredictionPaths & { readonly image: string })[] = [];
  for (const image of images) {
    const stem = join(out ?? dirname(image), basename(image, extname(image)));
    const named = ids === "labelIds"
      ? { image, labels: `${stem}.png`, overlay: null }
      : { image, labels: `${stem}_labels.png`, overlay: `${stem}_overlay.png` };
    for (const path of [named.labels, named.overlay]) {
      if (path === null) continue;
      const key = await identity(path);
      const other = results.get(key);
      if (inputs.has(key) || other !== undefined) {
        throw new RangeError(
          `Cannot predict "${image}": its result "${path}" would overwrite ` +
            (other === undefined
              ? "an input; choose another --out"
              : `that of "${other}"; predict them in two calls with two --out`),
        );
      }
      results.set(key, image);
    }
    paths.push(named);
  }
  return paths;
}

/** One name per file, as far as it exists: links and ".." are followed. */
export async function identity(path: string): Promise<string> {
  const whole = resolve(path);
  try {
    return await Deno.realPath(whole);
  } catch (error) {
    const { NotFound, NotADirectory } = Deno.errors; // below an archive, for one
    if (!(error instanceof NotFound || error instanceof NotADirectory)) throw error;
    const folder = dirname(whole);
    return folder === whole ? whole : join(await identity(folder), basename(whole));
  }
}
