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

import { CITYSCAPES_CLASSES } from "../../core/known_classes.ts";
import { decoderOfValues, type NativeLayout } from "./layout.ts";
import { findSideBySide, stemOf } from "./side_by_side.ts";

/** Class id of every class of SYNTHIA that Cityscapes has too. */
const SYNTHIA_IDS: Readonly<Record<string, number>> = {
  1: 10,
  2: 2,
  3: 0,
  4: 1,
  5: 4,
  6: 8,
  7: 5,
  8: 13,
  9: 7,
  10: 11,
  11: 18,
  12: 17,
  15: 6,
  16: 9,
  17: 12,
  18: 14,
  19: 15,
  20: 16,
  21: 3,
};

/** 22 is the lane marking. */
const SYNTHIA_VALUES = 23;

const DECODER = decoderOfValues(
  "SYNTHIA",
  CITYSCAPES_CLASSES,
  SYNTHIA_IDS,
  SYNTHIA_VALUES,
  {
    expected:
      "labels of SYNTHIA are 16-bit RGB PNGs, whose red values are classes: was " +
      "it rewritten by a tool that knows 8 bits only?",
    channel: "red",
    depths: [16],
    palette: "none",
  },
);

/** SYNTHIA-RAND-CITYSCAPES as it is downloaded, unpacked. */
export const SYNTHIA: NativeLayout = {
  title: "SYNTHIA-RAND-CITYSCAPES",
  classes: CITYSCAPES_CLASSES,
  tree: '"RGB" and "GT/LABELS"',
  splits: null,
  find: (source, wanted) =>
    findSideBySide(source, wanted, {
      bases: ["", "RAND_CITYSCAPES", "synthia/RAND_CITYSCAPES"],
      images: "RGB",
      labels: ["GT/LABELS"],
    }),
  nameOf: stemOf,
  decoderOf: () => DECODER,
  cure: "add it",
  bad: null,
};
