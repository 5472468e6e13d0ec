/** The classes of the embedded data set. @module */

import type { ClassInfo } from "../../core/host_batch.ts";

/** Index = class id; the colors are those of Cityscapes. */
export const EMBEDDED_CLASSES = [
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
] as const satisfies readonly ClassInfo[];

/** The name of a class. */
export type EmbeddedClassName = typeof EMBEDDED_CLASSES[number]["name"];

/** Class ids by name. */
export const EMBEDDED_CLASS_IDS = Object.fromEntries(
  EMBEDDED_CLASSES.map(({ name }, id) => [name, id]),
) as Readonly<Record<EmbeddedClassName, number>>; // each name has its entry
