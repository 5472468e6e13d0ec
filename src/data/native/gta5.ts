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

import { CITYSCAPES_CLASSES } from "../native_classes.ts";
import { CLASS_ID_ENCODING } from "../decode_label.ts";
import type { Color } from "../label_colors.ts";
import { CITYSCAPES_LABEL_ID_COUNT, CITYSCAPES_LABEL_IDS } from "./cityscapes.ts";
import { mappedIdDecoder, type NativeLayout } from "./layout.ts";
import { fileStem, findParallelFiles } from "./find_files.ts";

/** The color of each label id in the palettes of the labels. */
// deno-fmt-ignore
const LABEL_COLORS: readonly Color[] = [
  [0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0], [20, 20, 20], [111, 74, 0], [81, 0, 81],
  [128, 64, 128], [244, 35, 232], [250, 170, 160], [230, 150, 140], [70, 70, 70],
  [102, 102, 156], [190, 153, 153], [180, 165, 180], [150, 100, 100], [150, 120, 90],
  [153, 153, 153], [153, 153, 153], [250, 170, 30], [220, 220, 0], [107, 142, 35],
  [152, 251, 152], [70, 130, 180], [220, 20, 60], [255, 0, 0], [0, 0, 142], [0, 0, 70],
  [0, 60, 100], [0, 0, 90], [0, 0, 110], [0, 80, 100], [0, 0, 230], [119, 11, 32],
  [0, 0, 142],
];

const DECODER = mappedIdDecoder(
  "Cityscapes' label ids",
  CITYSCAPES_CLASSES,
  CITYSCAPES_LABEL_IDS,
  CITYSCAPES_LABEL_ID_COUNT,
  {
    ...CLASS_ID_ENCODING,
    expectation:
      "labels of GTA5 are PNGs with a palette, whose indices are label ids: restore " +
      "the downloaded file",
  },
  LABEL_COLORS,
);

/** Images whose labels have another size, then images whose labels show nothing. */
const EXCLUDED_NAMES = new Set(
  [
    ...Array.from({ length: 60 }, (_, i) => 20801 + i),
    ...[15188, 15617, 17705],
  ].map(String),
);

/** GTA5 as it is downloaded. */
export const GTA5: NativeLayout = {
  title: "GTA5",
  classes: CITYSCAPES_CLASSES,
  expectedContents: '"images" and "labels" (01_images.zip … 10_labels.zip)',
  imageCounts: { "": 24966 }, // with the files that are known to be bad
  downloadHint: 'GTA5 is "01_images.zip" … "10_images.zip" and "01_labels.zip" … ' +
    '"10_labels.zip" of the "Playing for Data" page at TU Darmstadt',
  splits: null,
  findFiles: (source, options) =>
    findParallelFiles(source, options, {
      baseFolders: ["", "gta5", "GTA5", "gta"],
      downloads: /^\d\d_(images|labels)/,
      images: "images",
      labels: ["labels"],
    }),
  nameOf: fileStem,
  labelIds: CITYSCAPES_LABEL_IDS,
  decoderOf: () => DECODER,
  missingLabelHint: "add it (01_labels.zip … 10_labels.zip)",
  excluded: {
    names: EXCLUDED_NAMES,
    note: (count) =>
      `left out ${count} images of GTA5 with invalid labels (20801 … ` +
      "20860 have another size than their images; 15188, 15617 and 17705 show nothing)",
  },
};
