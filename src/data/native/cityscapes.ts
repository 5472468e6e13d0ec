/**
 * Cityscapes.
 *
 * ```text
 * leftImg8bit/<split>/<city>/<frame>_leftImg8bit.png
 * gtFine/<split>/<city>/<frame>_gtFine_labelIds.png          as downloaded, or
 * gtFine/<split>/<city>/<frame>_gtFine_labelTrainIds.png     as cityscapesScripts make it
 * ```
 *
 * Source: Cordts et al., "The Cityscapes Dataset" (CVPR 2016),
 * https://arxiv.org/abs/1604.01685; ids of cityscapesScripts, helpers/labels.py.
 *
 * @module
 */

import { CITYSCAPES_CLASSES } from "../../core/known_classes.ts";
import type { LabelForm } from "../label_map.ts";
import { below, type FileSource } from "../source/file_source.ts";
import {
  decoderOfIds,
  decoderOfValues,
  type Found,
  type NativeLayout,
  type Wanted,
} from "./layout.ts";

/** Class id of every labelId that has one; the others are ignored. */
export const CITYSCAPES_IDS: Readonly<Record<string, number>> = {
  7: 0,
  8: 1,
  11: 2,
  12: 3,
  13: 4,
  17: 5,
  19: 6,
  20: 7,
  21: 8,
  22: 9,
  23: 10,
  24: 11,
  25: 12,
  26: 13,
  27: 14,
  28: 15,
  31: 16,
  32: 17,
  33: 18,
};

/** labelIds are 0 … 33, and 34 in GTA5: the licence plate. */
export const CITYSCAPES_VALUES = 35;

const GREY: LabelForm = {
  expected: "labels of Cityscapes are 8-bit grey PNGs: is it a _color or an " +
    "_instanceIds file under another name?",
  channel: "only",
  depths: [8],
  palette: "none",
};

const IMAGE = "_leftImg8bit";
const TRAIN_IDS = "_labelTrainIds.png";
const LABEL_IDS = "_labelIds.png";
const BASES = ["", "cityscapes"];

/** Where a data set may begin within what was named, as paths of one of its folders. */
const inBases = (folder: string) => BASES.map((base) => below(base, folder));

async function find(
  source: FileSource,
  { split, labelled }: Wanted,
): Promise<Found | null> {
  const top = await source.locate(inBases("leftImg8bit"));
  if (top === null) return null;
  const folder = below(top, split ?? "");
  const labelFolder = below(top.replace(/leftImg8bit$/, "gtFine"), split ?? "");
  const byName = (path: string) => split === null ? path.replace(/^[^/]*\//, "") : path;

  const images = new Map<string, string>();
  for (const file of await source.list(folder) ?? []) {
    if (!file.endsWith(`${IMAGE}.png`) || /(^|\/)\./.test(file)) continue;
    images.set(nameOf(byName(file)), below(folder, file));
  }
  const labels = new Map<string, string>();
  for (const file of (labelled ? await source.list(labelFolder) : null) ?? []) {
    const ending = [TRAIN_IDS, LABEL_IDS].find((one) => file.endsWith(`_gtFine${one}`));
    if (ending === undefined || /(^|\/)\./.test(file)) continue;
    const name = byName(file).slice(0, -`_gtFine${ending}`.length);
    if (ending === LABEL_IDS && labels.has(name)) continue;
    labels.set(name, below(labelFolder, file));
  }
  return {
    folder: source.address(folder),
    images,
    labels,
    labelOf: (name) => source.address(below(labelFolder, `${name}_gtFine${LABEL_IDS}`)),
    listed: null,
  };
}

/** `leftImg8bit/train/ulm/ulm_000001_leftImg8bit.png` → `ulm/ulm_000001`. */
function nameOf(line: string): string {
  const stem = line.replace(/\.png$/, "").replace(new RegExp(`${IMAGE}$`), "");
  const parts = stem.replace(/^leftImg8bit\/[^/]+\//, "").split("/");
  const frame = parts[parts.length - 1] ?? "";
  // A bare frame begins with its city.
  return parts.length > 1 ? parts.join("/") : `${frame.replace(/_.*$/, "")}/${frame}`;
}

const TRAIN_DECODER = decoderOfIds("Cityscapes' train ids", CITYSCAPES_CLASSES, GREY);
const LABEL_DECODER = decoderOfValues(
  "Cityscapes' label ids",
  CITYSCAPES_CLASSES,
  CITYSCAPES_IDS,
  CITYSCAPES_VALUES,
  GREY,
);

/** Cityscapes as it is downloaded. */
export const CITYSCAPES: NativeLayout = {
  title: "Cityscapes",
  classes: CITYSCAPES_CLASSES,
  tree:
    '"leftImg8bit" and "gtFine" (leftImg8bit_trainvaltest.zip, gtFine_trainvaltest.zip)',
  splits: ["train", "val", "test"],
  find,
  nameOf,
  decoderOf: (path) => path.endsWith(TRAIN_IDS) ? TRAIN_DECODER : LABEL_DECODER,
  cure: "add it (gtFine_trainvaltest.zip has those of train and val)",
  bad: null,
};
