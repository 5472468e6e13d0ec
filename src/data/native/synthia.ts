/**
 * SYNTHIA-RAND-CITYSCAPES.
 *
 * ```text
 * RAND_CITYSCAPES/RGB/0000000.png … 0009399.png
 * RAND_CITYSCAPES/GT/LABELS/<same name>           16-bit RGB; class = red, instance = green
 * ```
 *
 * Source: Ros et al., "The SYNTHIA Dataset" (CVPR 2016), and the README of the data set.
 *
 * @module
 */

import { CITYSCAPES_CLASSES } from "../native_classes.ts";
import { mappedIdDecoder, type NativeLayout } from "./layout.ts";
import { fileStem, findParallelFiles } from "./find_files.ts";

/** The class of SYNTHIA that is each class of Cityscapes, in the order of the train ids. */
// deno-fmt-ignore
const SYNTHIA_IDS = [3, 4, 2, 21, 5, 7, 15, 9, 6, 16, 1, 10, 17, 8, 18, 19, 20, 12, 11];

/** 22 is the lane marking. */
const SYNTHIA_ID_COUNT = 23;

const DECODER = mappedIdDecoder(
  "SYNTHIA",
  CITYSCAPES_CLASSES,
  SYNTHIA_IDS,
  SYNTHIA_ID_COUNT,
  {
    expectation:
      "labels of SYNTHIA are 16-bit RGB PNGs, whose red values are classes: was " +
      "it rewritten by a tool that knows 8 bits only?",
    channel: "red",
    bitDepths: [16],
    palette: "none",
  },
);

/** SYNTHIA-RAND-CITYSCAPES as it is downloaded, unpacked. */
export const SYNTHIA: NativeLayout = {
  title: "SYNTHIA-RAND-CITYSCAPES",
  classes: CITYSCAPES_CLASSES,
  expectedContents: '"RGB" and "GT/LABELS"',
  imageCounts: { "": 9400 },
  downloadHint:
    'SYNTHIA is "SYNTHIA_RAND_CITYSCAPES.rar" of the SYNTHIA website, to be unpacked',
  splits: null,
  findFiles: (source, options) =>
    findParallelFiles(source, options, {
      baseFolders: ["", "RAND_CITYSCAPES", "synthia/RAND_CITYSCAPES"],
      downloads: /^SYNTHIA[ _-]/i,
      images: "RGB",
      labels: ["GT/LABELS"],
    }),
  nameOf: fileStem,
  decoderOf: () => DECODER,
  missingLabelHint: "add it",
};
