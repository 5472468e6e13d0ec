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

import { CITYSCAPES_CLASSES } from "../native_classes.ts";
import type { LabelEncoding } from "../decode_label.ts";
import { describeOtherImages, imagesByStem } from "../file_data_set.ts";
import { type FileSource, joinPath } from "../source/file_source.ts";
import {
  classIdDecoder,
  type FindOptions,
  type FoundFiles,
  mappedIdDecoder,
  type NativeLayout,
} from "./layout.ts";
import {
  filesByStem,
  findFolders,
  type FolderPlaces,
  hasEnding,
  joinByName,
  listFolders,
} from "./find_files.ts";

/** The labelId of each class, in the order of the train ids; other labelIds are ignored. */
// deno-fmt-ignore
export const CITYSCAPES_LABEL_IDS =
  [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33];

/** labelIds are 0 … 33, and 34 in GTA5: the license plate. */
export const CITYSCAPES_LABEL_ID_COUNT = 35;

const GRAY_ENCODING: LabelEncoding = {
  expectation: "labels of Cityscapes are 8-bit gray PNGs: is it a _color or an " +
    "_instanceIds file under another name?",
  channel: "only",
  bitDepths: [8],
  palette: "none",
};

const IMAGE_SUFFIX = "_leftImg8bit";
const TRAIN_IDS_SUFFIX = "_labelTrainIds.png";
const LABEL_IDS_SUFFIX = "_labelIds.png";

const PLACES: FolderPlaces = {
  baseFolders: ["", "cityscapes"],
  downloads: /^(leftImg8bit|gtFine)_/,
};

async function find(
  source: FileSource,
  { split, labeled }: FindOptions,
): Promise<FoundFiles | null> {
  const tops = await findFolders(source, "leftImg8bit", PLACES);
  const [top] = tops;
  if (top === undefined) return null;
  const inSplit = (folder: string) => joinPath(folder, split ?? "");
  const folder = inSplit(top);
  // Labels beside the images are preferred to others.
  const sibling = top.replace(/(leftImg8bit\/)?leftImg8bit$/, "");
  const baseFolders = [sibling.replace(/\/$/, ""), ...PLACES.baseFolders];
  const labelTops = labeled
    ? await findFolders(source, "gtFine", { ...PLACES, baseFolders })
    : [];
  const labelFolder = inSplit(labelTops[0] ?? `${sibling}gtFine`);
  const images = await listFolders(source, tops.map(inSplit));
  const labels = await listFolders(source, labelTops.map(inSplit));
  // Without a split, the folders of the splits are no part of the names.
  const byName = (files: ReadonlyMap<string, string>) =>
    [...files].map(([stem, path]) =>
      [split === null ? stem.replace(/^[^/]*\//, "") : stem, path] as const
    );
  const labelsOf = (suffix: string) =>
    joinByName(
      source,
      labels.map(([folder, files]) =>
        byName(filesByStem(files, folder, `_gtFine${suffix}`))
      ),
    );
  return {
    address: source.displayPath(folder),
    images: await joinByName(
      source,
      images.map(([folder, files]) =>
        byName(imagesByStem(files, source.displayPath(folder), IMAGE_SUFFIX))
          .map(([name, file]) => [nameOf(name), joinPath(folder, file)] as const)
      ),
    ),
    // Of two labels of an image, the one with train ids is used.
    labels: new Map([
      ...await labelsOf(LABEL_IDS_SUFFIX),
      ...await labelsOf(TRAIN_IDS_SUFFIX),
    ]),
    expectedLabel: (name) =>
      source.displayPath(joinPath(labelFolder, `${name}_gtFine${LABEL_IDS_SUFFIX}`)),
    splitNames: null,
    imageFolders: tops.map(inSplit),
    labelFolders: labelTops.map(inSplit),
    otherImages: describeOtherImages(images.flatMap(([, files]) => files)),
  };
}

/** `leftImg8bit/train/ulm/ulm_000001_leftImg8bit.png` → `ulm/ulm_000001`. */
function nameOf(line: string): string {
  const stem = line.replace(/\.(png|jpe?g)$/i, "").replace(
    new RegExp(`${IMAGE_SUFFIX}$`),
    "",
  );
  const parts = stem.replace(/^leftImg8bit\/[^/]+\//, "").split("/");
  const frame = parts[parts.length - 1] ?? "";
  // A bare frame begins with its city.
  return parts.length > 1 ? parts.join("/") : `${frame.replace(/_.*$/, "")}/${frame}`;
}

const TRAIN_IDS_DECODER = classIdDecoder(
  "Cityscapes' train ids",
  CITYSCAPES_CLASSES,
  GRAY_ENCODING,
);
const LABEL_IDS_DECODER = mappedIdDecoder(
  "Cityscapes' label ids",
  CITYSCAPES_CLASSES,
  CITYSCAPES_LABEL_IDS,
  CITYSCAPES_LABEL_ID_COUNT,
  GRAY_ENCODING,
);

/** Cityscapes as it is downloaded. */
export const CITYSCAPES: NativeLayout = {
  title: "Cityscapes",
  classes: CITYSCAPES_CLASSES,
  expectedContents:
    '"leftImg8bit" and "gtFine" (leftImg8bit_trainvaltest.zip, gtFine_trainvaltest.zip)',
  imageCounts: { train: 2975, val: 500, test: 1525 },
  downloadHint:
    'Cityscapes is "leftImg8bit_trainvaltest.zip" and "gtFine_trainvaltest.zip" of ' +
    "the Cityscapes website, after registration",
  splits: ["train", "val", "test"],
  findFiles: find,
  nameOf,
  labelIds: CITYSCAPES_LABEL_IDS,
  decoderOf: (path) =>
    hasEnding(path, TRAIN_IDS_SUFFIX) ? TRAIN_IDS_DECODER : LABEL_IDS_DECODER,
  missingLabelHint: "add it (gtFine_trainvaltest.zip has those of train and val)",
};
