/** The ids under which the Cityscapes server expects predicted classes. @module */

import type { ClassInfo } from "../core/host_batch.ts";

/** What the values of a label file are: ids of the network's classes, or Cityscapes'. */
export type Ids = "classIds" | "labelIds";

/**
 * Label ids of the 19 training classes.
 *
 * Source: `labels.py` of cityscapesScripts.
 */
const LABEL_IDS: Readonly<Record<string, number>> = {
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
export function labelIdsOf(classes: readonly Pick<ClassInfo, "name">[]): Uint8Array {
  const names = classes.map(({ name }) => name);
  const stranger = names.find((name) => !Object.hasOwn(LABEL_IDS, name));
  const missing = Object.keys(LABEL_IDS).find((name) => !names.includes(name));
  const culprit = stranger === undefined
    ? missing === undefined ? null : `has no class "${missing}"`
    : `knows a class "${stranger}"`;
  if (culprit !== null) {
    throw new RangeError(
      "Cannot save label ids of Cityscapes: they are for networks with its 19 training " +
        `classes, and this one ${culprit}; leave out --ids labelIds`,
    );
  }
  return Uint8Array.from(names, (name) => LABEL_IDS[name] ?? 0);
}
