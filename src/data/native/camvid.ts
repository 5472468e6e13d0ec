/**
 * CamVid, the 701 frames of 960×720 with their colored labels.
 *
 * ```text
 * 701_StillsRaw_full/0001TP_006690.png
 * LabeledApproved_full/0001TP_006690_L.png        8-bit RGB, a color per class
 * ```
 *
 * It has no splits of its own: the usual ones are lists of stems. The 32 classes are joined
 * to 11 in the usual way (SegNet's); all other pixels are ignored.
 *
 * Source: Brostow et al., "Semantic object classes in video" (Pattern Recognition Letters
 * 30(2), 2009), and the label_colors.txt of the data set.
 *
 * @module
 */

import { CAMVID_CLASSES } from "../native_classes.ts";
import { decodeColorLabel } from "../decode_label.ts";
import type { NativeLayout } from "./layout.ts";
import { fileStem, findParallelFiles } from "./find_files.ts";

/** The colors of each class, in the order of their ids. */
const COLORS: readonly (readonly (readonly [number, number, number])[])[] = [
  [[128, 128, 128]], // sky
  // Building, archway, bridge, tunnel, wall.
  [[128, 0, 0], [192, 0, 128], [0, 128, 64], [64, 0, 64], [64, 192, 0]],
  [[192, 192, 128], [0, 0, 64]], // column or pole, traffic cone
  [[128, 64, 128], [128, 0, 192], [192, 0, 64]], // road, lane markings
  [[0, 0, 192], [64, 192, 128], [128, 128, 192]], // pavement, parking block, shoulder
  [[128, 128, 0], [192, 192, 0]], // tree, other vegetation
  [[192, 128, 128], [128, 128, 64], [0, 64, 64]], // sign, text, traffic light
  [[64, 64, 128]], // fence
  // Car, pickup, truck or bus, train, other moving.
  [[64, 0, 128], [64, 128, 192], [192, 128, 192], [192, 64, 128], [128, 64, 64]],
  // Pedestrian, child, cart, animal.
  [[64, 64, 0], [192, 128, 64], [64, 0, 192], [64, 128, 64]],
  [[0, 128, 192], [192, 0, 192]], // bicyclist, motorcyclist
];

/** Void, the one color without a class. */
const VOID = [0, 0, 0] as const;

/** CamVid as it is downloaded. */
export const CAMVID: NativeLayout = {
  title: "CamVid",
  classes: CAMVID_CLASSES,
  expectedContents: '"701_StillsRaw_full" and "LabeledApproved_full"',
  imageCounts: { "": 701 },
  downloadHint:
    'CamVid is "701_StillsRaw_full.zip" and "LabeledApproved_full.zip" of its page ' +
    "at the University of Cambridge",
  splits: null,
  findFiles: (source, options) =>
    findParallelFiles(source, options, {
      baseFolders: ["", "CamVid", "camvid"],
      downloads: /^camvid[ _-]/i,
      images: "701_StillsRaw_full",
      labels: ["LabeledApproved_full", ""], // the archive has no folder
      labelSuffix: "_L",
    }),
  nameOf: fileStem,
  decoderOf: () => (bytes, file) =>
    decodeColorLabel(bytes, file, "CamVid", COLORS, [VOID]),
  missingLabelHint: "add it",
};
