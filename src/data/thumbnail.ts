/** Samples made small for a sheet of pictures. @module */

import { IGNORED } from "../core/host_batch.ts";
import type { Sample } from "./data_set.ts";

/** A picture and its label, made small. */
export interface Thumbnail {
  /** The sample's. */
  readonly name: string;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** Means over the pixels that fall together. [H, W, 3] */
  readonly rgb: Uint8Array<ArrayBuffer>;
  /** The class id in the middle of them. [H, W] */
  readonly labels: Uint8Array<ArrayBuffer>;
}

/** Scales a sample down to a width; a smaller one stays as it is. */
export function thumbnail(sample: Sample, mostWidth: number): Thumbnail {
  const { name, image, label } = sample;
  const width = Math.min(mostWidth, sample.width);
  const height = Math.max(1, Math.round(sample.height * width / sample.width));
  const edge = (i: number, from: number, to: number) => Math.floor(i * from / to);
  const rgb = new Uint8Array(width * height * 3);
  const labels = new Uint8Array(width * height).fill(IGNORED);
  for (let row = 0; row < height; row++) {
    const top = edge(row, sample.height, height);
    const bottom = Math.max(top + 1, edge(row + 1, sample.height, height));
    for (let column = 0; column < width; column++) {
      const left = edge(column, sample.width, width);
      const right = Math.max(left + 1, edge(column + 1, sample.width, width));
      const sums = [0, 0, 0];
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++) {
          const at = 3 * (y * sample.width + x);
          for (let c = 0; c < 3; c++) sums[c] = (sums[c] ?? 0) + (image[at + c] ?? 0);
        }
      }
      const to = row * width + column;
      const count = (bottom - top) * (right - left);
      rgb.set(sums.map((sum) => Math.round(sum / count)), 3 * to);
      const middle = ((top + bottom) >> 1) * sample.width + ((left + right) >> 1);
      labels[to] = label?.[middle] ?? IGNORED;
    }
  }
  return { name, width, height, rgb, labels };
}
