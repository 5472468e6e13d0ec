/** What was published of each data set, and where. @module */

import type { NativeSet } from "../../core/known_classes.ts";

/** A data set as its authors give it away. */
export interface Publication {
  /** Pictures by split; "" where there are no splits. */
  readonly pictures: Readonly<Record<string, number>>;
  /** What to download, and from whom. */
  readonly source: string;
}

/** Counts as published; of GTA5 with the files that are known to be bad. */
export const PUBLISHED: Readonly<Record<NativeSet, Publication>> = {
  camvid: {
    pictures: { "": 701 },
    source:
      'CamVid is "701_StillsRaw_full.zip" and "LabeledApproved_full.zip" of its page ' +
      "at the University of Cambridge",
  },
  cityscapes: {
    pictures: { train: 2975, val: 500, test: 1525 },
    source:
      'Cityscapes is "leftImg8bit_trainvaltest.zip" and "gtFine_trainvaltest.zip" of ' +
      "the Cityscapes website, after registration",
  },
  gta5: {
    pictures: { "": 24966 },
    source: 'GTA5 is "01_images.zip" … "10_images.zip" and "01_labels.zip" … ' +
      '"10_labels.zip" of the "Playing for Data" page at TU Darmstadt',
  },
  synthia: {
    pictures: { "": 9400 },
    source:
      'SYNTHIA is "SYNTHIA_RAND_CITYSCAPES.rar" of the SYNTHIA website, to be unpacked',
  },
  voc: {
    pictures: { train: 1464, val: 1449, trainval: 2913 },
    source:
      'PASCAL VOC 2012 is "VOCtrainval_11-May-2012.tar" of its page at the University of ' +
      "Oxford; the labels of the further 9118 pictures are those of the Semantic " +
      'Boundaries Dataset, "benchmark.tgz", to be unpacked beside it, or ' +
      '"SegmentationClassAug.zip", which others made of them',
  },
};
