/**
 * GTA5, "Playing for Data".
 *
 * ```text
 * images/00001.png … 24966.png    01_images.zip … 10_images.zip
 * labels/00001.png … 24966.png    01_labels.zip … 10_labels.zip; palette index = labelId
 * ```
 *
 * Source: Richter et al., "Playing for Data" (ECCV 2016), https://arxiv.org/abs/1608.02192.
 * The bad files are those that m-birke/automotive-segmentation-datasets lists.
 *
 * @module
 */

import { CITYSCAPES_CLASSES } from "../../core/known_classes.ts";
import { INDEX_FORM } from "../label_map.ts";
import { CITYSCAPES_IDS, CITYSCAPES_VALUES } from "./cityscapes.ts";
import { decoderOfValues, type NativeLayout } from "./layout.ts";
import { findSideBySide, stemOf } from "./side_by_side.ts";

const DECODER = decoderOfValues(
  "Cityscapes' label ids",
  CITYSCAPES_CLASSES,
  CITYSCAPES_IDS,
  CITYSCAPES_VALUES,
  {
    ...INDEX_FORM,
    expected:
      "labels of GTA5 are PNGs with a palette, whose indices are label ids: put " +
      "back the file that was downloaded",
  },
);

/** Labels of another size than their images, then ones that show nothing. */
const BAD = new Set(
  [
    ...Array.from({ length: 60 }, (_, i) => 20801 + i),
    ...[15188, 15617, 17705],
  ].map(String),
);

/** GTA5 as it is downloaded. */
export const GTA5: NativeLayout = {
  title: "GTA5",
  classes: CITYSCAPES_CLASSES,
  tree: '"images" and "labels" (01_images.zip … 10_labels.zip)',
  splits: null,
  find: (source, wanted) =>
    findSideBySide(source, wanted, {
      bases: ["", "gta5", "GTA5", "gta"],
      images: "images",
      labels: ["labels"],
    }),
  nameOf: stemOf,
  decoderOf: () => DECODER,
  cure: "add it (01_labels.zip … 10_labels.zip)",
  bad: {
    names: BAD,
    note: (count) =>
      `left out ${count} pictures of GTA5 whose labels are known to be bad (20801 … ` +
      "20860 have another size than their images; 15188, 15617 and 17705 show nothing)",
  },
};
