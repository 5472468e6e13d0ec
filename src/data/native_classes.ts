/** The classes of the data sets that are read as they were downloaded. @module */

import type { ClassInfo } from "../core/host_batch.ts";

/**
 * The 19 classes by which driving scenes are scored, in the order of their train ids.
 *
 * Source: Cordts et al., "The Cityscapes Dataset" (CVPR 2016),
 * https://arxiv.org/abs/1604.01685; colors of cityscapesScripts.
 */
export const CITYSCAPES_CLASSES: readonly ClassInfo[] = [
  { name: "road", color: [128, 64, 128] },
  { name: "sidewalk", color: [244, 35, 232] },
  { name: "building", color: [70, 70, 70] },
  { name: "wall", color: [102, 102, 156] },
  { name: "fence", color: [190, 153, 153] },
  { name: "pole", color: [153, 153, 153] },
  { name: "traffic light", color: [250, 170, 30] },
  { name: "traffic sign", color: [220, 220, 0] },
  { name: "vegetation", color: [107, 142, 35] },
  { name: "terrain", color: [152, 251, 152] },
  { name: "sky", color: [70, 130, 180] },
  { name: "person", color: [220, 20, 60] },
  { name: "rider", color: [255, 0, 0] },
  { name: "car", color: [0, 0, 142] },
  { name: "truck", color: [0, 0, 70] },
  { name: "bus", color: [0, 60, 100] },
  { name: "train", color: [0, 80, 100] },
  { name: "motorcycle", color: [0, 0, 230] },
  { name: "bicycle", color: [119, 11, 32] },
];

const trainIdsWithout = (...names: readonly string[]): readonly number[] =>
  CITYSCAPES_CLASSES.flatMap(({ name }, id) => names.includes(name) ? [] : [id]);

/** Train ids by which SYNTHIA → Cityscapes is scored: all but terrain, truck and train. */
export const SYNTHIA_16_CLASS_IDS: readonly number[] = trainIdsWithout(
  "terrain",
  "truck",
  "train",
);

/** The same without wall, fence and pole. */
export const SYNTHIA_13_CLASS_IDS: readonly number[] = trainIdsWithout(
  ...["wall", "fence", "pole", "terrain", "truck", "train"],
);

/**
 * The 21 classes of PASCAL VOC 2012, whose colors follow from the bits of their ids.
 *
 * Source: Everingham et al., "The PASCAL Visual Object Classes Challenge" (IJCV 2015).
 */
export const VOC_CLASSES: readonly ClassInfo[] = [
  { name: "background", color: [0, 0, 0] },
  { name: "aeroplane", color: [128, 0, 0] },
  { name: "bicycle", color: [0, 128, 0] },
  { name: "bird", color: [128, 128, 0] },
  { name: "boat", color: [0, 0, 128] },
  { name: "bottle", color: [128, 0, 128] },
  { name: "bus", color: [0, 128, 128] },
  { name: "car", color: [128, 128, 128] },
  { name: "cat", color: [64, 0, 0] },
  { name: "chair", color: [192, 0, 0] },
  { name: "cow", color: [64, 128, 0] },
  { name: "diningtable", color: [192, 128, 0] },
  { name: "dog", color: [64, 0, 128] },
  { name: "horse", color: [192, 0, 128] },
  { name: "motorbike", color: [64, 128, 128] },
  { name: "person", color: [192, 128, 128] },
  { name: "pottedplant", color: [0, 64, 0] },
  { name: "sheep", color: [128, 64, 0] },
  { name: "sofa", color: [0, 192, 0] },
  { name: "train", color: [128, 192, 0] },
  { name: "tvmonitor", color: [0, 64, 128] },
];

/**
 * The 11 classes to which those of CamVid are usually joined.
 *
 * Source: Badrinarayanan et al., "SegNet" (PAMI 2017), https://arxiv.org/abs/1511.00561.
 */
export const CAMVID_CLASSES: readonly ClassInfo[] = [
  { name: "sky", color: [128, 128, 128] },
  { name: "building", color: [128, 0, 0] },
  { name: "pole", color: [192, 192, 128] },
  { name: "road", color: [128, 64, 128] },
  { name: "pavement", color: [60, 40, 222] },
  { name: "tree", color: [128, 128, 0] },
  { name: "sign", color: [192, 128, 128] },
  { name: "fence", color: [64, 64, 128] },
  { name: "car", color: [64, 0, 128] },
  { name: "pedestrian", color: [64, 64, 0] },
  { name: "bicyclist", color: [0, 128, 192] },
];

/** A data set that is read in its native layout. */
export type NativeDataSet = "camvid" | "cityscapes" | "gta5" | "synthia" | "voc";

/** The classes of each; index = class id. */
export const NATIVE_CLASSES: Readonly<Record<NativeDataSet, readonly ClassInfo[]>> = {
  camvid: CAMVID_CLASSES,
  cityscapes: CITYSCAPES_CLASSES,
  gta5: CITYSCAPES_CLASSES,
  synthia: CITYSCAPES_CLASSES,
  voc: VOC_CLASSES,
};

/** All native data sets. */
export const NATIVE_DATA_SETS: readonly NativeDataSet[] = Object.keys(NATIVE_CLASSES)
  .filter((name): name is NativeDataSet => name in NATIVE_CLASSES);
