/** The classes of the embedded data set. @module */

import type { ClassInfo } from "../../core/host_batch.ts";

/** Index = class id; the colours are those of Cityscapes. */
export const EMBEDDED_CLASSES: readonly ClassInfo[] = [
  { name: "road", color: [128, 64, 128] },
  { name: "pavement", color: [244, 35, 232] },
  { name: "building", color: [70, 70, 70] },
  { name: "fence", color: [190, 153, 153] },
  { name: "pole", color: [153, 153, 153] },
  { name: "sign", color: [220, 220, 0] },
  { name: "vegetation", color: [107, 142, 35] },
  { name: "sky", color: [70, 130, 180] },
  { name: "person", color: [220, 20, 60] },
  { name: "car", color: [0, 0, 142] },
];

/** Class ids by name. */
export const ID = {
  road: 0,
  pavement: 1,
  building: 2,
  fence: 3,
  pole: 4,
  sign: 5,
  vegetation: 6,
  sky: 7,
  person: 8,
  car: 9,
} as const;

/** A class id. */
export type ClassId = typeof ID[keyof typeof ID];
