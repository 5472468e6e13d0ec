/**
 * Which classes of the source are pasted over the target.
 *
 * Source: ClassMix, Olsson et al. (WACV 2021), https://arxiv.org/abs/2007.07936, and DACS,
 * Tranheden et al. (WACV 2021), https://arxiv.org/abs/2007.08702.
 *
 * @module
 */
import {
  hostValue,
  mapHostInput,
  type MaybeHostInput,
  uploadHostInput,
} from "../core/host_input.ts";
import { type BatchPart, drawEach } from "../core/host_batch.ts";
import type { Random } from "../core/random.ts";
import type * as tf from "../core/tf.ts";
import { classMask, LABEL_VALUES } from "../ops/class_mix/class_mix.ts";

/** The classes that are candidates for a sample: its own, or those of the whole batch. */
export type ClassScope = "image" | "batch";

/**
 * The label values that occur, in ascending order; 255 is one of them.
 *
 * @param labels Any number of pixels.
 */
export function uniqueLabels(labels: Uint8Array): number[] {
  const present = new Uint8Array(LABEL_VALUES);
  for (const label of labels) present[label] = 1;
  return [...present.keys()].filter((label) => present[label] === 1);
}

/**
 * Chooses half of the classes (rounded up) for each sample, without replacement.
 *
 * Ignored pixels are a class like the others, as in the published code. With the scope
 * "batch" a chosen class may be absent from a sample, so that less is pasted.
 *
 * @param labels Source labels. [B, H, W]
 * @param batchSize B
 * @param part Of which batch these are a part.
 * @returns Chosen labels of each sample, in the order they were drawn.
 */
export function chooseClasses(
  labels: Uint8Array,
  batchSize: number,
  scope: ClassScope,
  random: Random,
  part?: BatchPart,
): number[][] {
  const byImage = part?.labelValues ?? labelValues(labels, batchSize);
  const ofBatch = uniqueLabels(Uint8Array.from(byImage.flat()));
  let image = 0;
  return drawEach({ batchSize, part }, () => {
    const candidates = scope === "batch" ? ofBatch : byImage[image++] ?? [];
    return random.sample(candidates.length, Math.ceil(candidates.length / 2))
      .map((i) => candidates[i] ?? 0);
  });
}

/**
 * The label values that occur in each image of a batch, in ascending order.
 *
 * @param labels [B, H, W]
 * @param batchSize B
 */
export function labelValues(labels: Uint8Array, batchSize: number): number[][] {
  const pixels = labels.length / batchSize;
  return Array.from(
    { length: batchSize },
    (_, b) => uniqueLabels(labels.subarray(b * pixels, (b + 1) * pixels)),
  );
}

/**
 * Marks the pixels of chosen classes.
 *
 * @param labels Source labels, int32. [B, H, W]
 * @param chosen Labels per sample.
 * @returns int32, 1 where a source pixel is to be pasted. [B, H, W]; the caller owns it.
 */
export function classMixMask(
  labels: tf.Tensor,
  chosen: MaybeHostInput<readonly (readonly number[])[]>,
): tf.Tensor {
  const batchSize = hostValue(chosen).length;
  const isChosen = mapHostInput(chosen, (chosen) => {
    const table = new Int32Array(batchSize * LABEL_VALUES);
    chosen.forEach((classes, b) =>
      classes.forEach((label) => table[b * LABEL_VALUES + label] = 1)
    );
    return table;
  });
  const marks = uploadHostInput(isChosen, [batchSize, LABEL_VALUES], "int32");
  const mask = classMask(labels, marks);
  marks.dispose();
  return mask;
}
