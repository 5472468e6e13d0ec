/** The ids under which the Cityscapes server expects predicted classes. @module */

import type { ClassInfo } from "../core/host_batch.ts";

/** What the values of a label file are: ids of the network's classes, or Cityscapes'. */
export type LabelIdKind = "classIds" | "labelIds";

/**
 * Label ids of the 19 training classes.
 *
 * Source: `labels.py` of cityscapesScripts.
 */
const CITYSCAPES_LABEL_IDS: Readonly<Record<string, number>> = {
  "road": 7,
  "sidewalk": 8,
  "building": 11,
  "wall": 12,
  "fence": 13,
  "pole": 17,
  "traffic light": 19,
  "traffic sign": 20,
  "vegetation": 21,
  "terrain": 22,
  "sky": 23,
  "person": 24,
  "rider": 25,
  "car": 26,
  "truck": 27,
  "bus": 28,
  "train": 31,
  "motorcycle": 32,
  "bicycle": 33,
};

/**
 * The label id of each class id.
 *
 * @param classes Those of the network, in the order of their ids.
 * @throws {RangeError} If they are not the 19 of Cityscapes.
 */
export function cityscapesLabelIds(
  classes: readonly Pick<ClassInfo, "name">[],
): Uint8Array {
  const names = classes.map(({ name }) => name);
  const unknownClass = names.find((name) => !Object.hasOwn(CITYSCAPES_LABEL_IDS, name));
  const missingClass = Object.keys(CITYSCAPES_LABEL_IDS).find((name) =>
    !names.includes(name)
  );
  const mismatch = unknownClass === undefined
    ? missingClass === undefined ? null : `has no class "${missingClass}"`
    : `knows a class "${unknownClass}"`;
  if (mismatch !== null) {
    throw new RangeError(
      "Cannot save label ids of Cityscapes: they are for networks with its 19 training " +
        `classes, and this one ${mismatch}; omit --ids labelIds`,
    );
  }
  return Uint8Array.from(names, (name) => CITYSCAPES_LABEL_IDS[name] ?? 0);
}
