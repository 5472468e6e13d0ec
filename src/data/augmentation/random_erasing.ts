/**
 * Random erasing: a rectangle of a crop becomes the mean color.
 *
 * Source: Zhong et al., "Random Erasing Data Augmentation" (AAAI 2020),
 * https://arxiv.org/abs/1708.04896; the rectangle is that of `RandomErasing` of torchvision
 * 0.29.
 *
 * @module
 */
import type { Size } from "../../core/host_batch.ts";
import type { Random } from "../../core/random.ts";
import type { CropWindow } from "../class_counts.ts";

/** What is erased. */
export interface RandomErasingOptions {
  /** Share of crops of which a part is erased. */
  readonly probability: number;
  /** Least and largest share of the crop's area. */
  readonly scale: readonly [number, number];
  /** Least and largest height / width; its logarithm is uniform. */
  readonly ratio: readonly [number, number];
}

/** How often a rectangle is drawn until it fits; else nothing is erased. */
const MAX_TRIES = 10;

/** Draws the rectangle of one crop that is erased; null: none is. */
export function drawErasedBox(
  { probability, scale, ratio }: RandomErasingOptions,
  { height, width }: Size,
  random: Random,
): CropWindow | null {
  if (random.uniform() >= probability) return null;
  const between = (min: number, max: number) => min + (max - min) * random.uniform();
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const area = height * width * between(...scale);
    const aspect = Math.exp(between(Math.log(ratio[0]), Math.log(ratio[1])));
    const box = {
      height: Math.round(Math.sqrt(area * aspect)),
      width: Math.round(Math.sqrt(area / aspect)),
    };
    if (box.height >= height || box.width >= width) continue;
    const top = random.integer(height - box.height + 1);
    const left = random.integer(width - box.width + 1);
    return { top, left, ...box };
  }
  return null;
}

/**
 * Sets a rectangle to one value.
 *
 * @param data A value of each channel of each pixel. [H, W, C]
 * @param width W
 * @param channels C
 */
export function fillBox(
  data: Float32Array | Uint8Array,
  width: number,
  channels: number,
  box: CropWindow,
  value: number,
): void {
  for (let row = box.top; row < box.top + box.height; row++) {
    const start = (row * width + box.left) * channels;
    data.fill(value, start, start + box.width * channels);
  }
}
