/**
 * What images and labels go through on their way to a network: scaling the way OpenCV does,
 * which published results rest on, random crops and normalization.
 *
 * @module
 */

import {
  IGNORE_INDEX,
  type Normalization,
  type Pixels,
  type Size,
} from "../core/host_batch.ts";
import type { Random } from "../core/random.ts";
import { classHistogram, type CropWindow } from "./class_counts.ts";

/** Steps of an interpolation weight: OpenCV's 11 bits. */
const WEIGHT_SCALE = 2048;

/** How often a crop is drawn again for the sake of its classes; the last one is taken. */
const MAX_WINDOW_TRIES = 10;

/**
 * The largest size of the same shape that fits a box in either orientation.
 *
 * s = min(max(box)/max(H, W), min(box)/min(H, W)); new side = ⌊side·s + ½⌋
 *
 * Source: `rescale_size` of MMCV 1.4.0. An image of 1914×1052 becomes 1280×704 in a box of
 * 1280×720.
 *
 * @param size The image's size.
 * @param box The box; null keeps the size.
 */
export function rescaleSize(size: Size, box: Size | null): Size {
  const { height, width } = size;
  if (box === null) return { height, width };
  const scale = Math.min(
    Math.max(box.height, box.width) / Math.max(height, width),
    Math.min(box.height, box.width) / Math.min(height, width),
  );
  return {
    height: Math.max(1, Math.floor(height * scale + 0.5)),
    width: Math.max(1, Math.floor(width * scale + 0.5)),
  };
}

/**
 * Bilinear scaling of 8-bit RGB, without antialiasing.
 *
 * Source position = (i + ½)·in/out − ½, neighbors clamped to the border; weights have 11
 * bits and the result is rounded to whole numbers.
 *
 * Source: `cv::resize` with INTER_LINEAR of OpenCV 4.4 on `uint8`.
 *
 * @param image Red, green, blue. [H, W, 3]
 * @param from Its size.
 * @param to The size to scale to.
 * @param window The part of the scaled image to compute; all of it if left out.
 * @returns The window. [window.height, window.width, 3]
 */
export function resizeBilinear(
  image: Uint8Array,
  from: Size,
  to: Size,
  window: CropWindow = { top: 0, left: 0, ...to },
): Uint8Array {
  const { top, left, height, width } = window;
  const result = new Uint8Array(height * width * 3);
  if (from.height === to.height && from.width === to.width) {
    for (let row = 0; row < height; row++) {
      const start = ((top + row) * from.width + left) * 3;
      result.set(image.subarray(start, start + width * 3), row * width * 3);
    }
    return result;
  }

  const columns = linearWeights(from.width, to.width, left, width);
  const rows = linearWeights(from.height, to.height, top, height);
  for (let row = 0; row < height; row++) {
    const above = (rows.first[row] ?? 0) * from.width * 3;
    const below = (rows.second[row] ?? 0) * from.width * 3;
    const lower = rows.weight[row] ?? 0;
    const upper = WEIGHT_SCALE - lower;
    for (let column = 0; column < width; column++) {
      const a = (columns.first[column] ?? 0) * 3;
      const b = (columns.second[column] ?? 0) * 3;
      const right = columns.weight[column] ?? 0;
      const near = WEIGHT_SCALE - right;
      const at = (row * width + column) * 3;
      for (let c = 0; c < 3; c++) {
        const high = near * (image[above + a + c] ?? 0) +
          right * (image[above + b + c] ?? 0);
        const low = near * (image[below + a + c] ?? 0) +
          right * (image[below + b + c] ?? 0);
        // OpenCV drops bits on the way so that its sums fit 16-bit lanes.
        result[at + c] = ((upper * (high >> 4)) >> 16) + ((lower * (low >> 4)) >> 16) +
            2 >> 2;
      }
    }
  }
  return result;
}

/**
 * Nearest-neighbor scaling of a label: source position = ⌊i·in/out⌋, no half-pixel shift.
 *
 * Source: `cv::resize` with INTER_NEAREST of OpenCV 4.4.
 *
 * @param label Class ids. [H, W]
 * @returns Class ids. [to.height, to.width]
 */
export function resizeNearest(label: Uint8Array, from: Size, to: Size): Uint8Array {
  if (from.height === to.height && from.width === to.width) return label.slice();
  const result = new Uint8Array(to.height * to.width);
  const columns = new Int32Array(to.width);
  for (let i = 0; i < to.width; i++) {
    columns[i] = Math.min(Math.floor(i * from.width / to.width), from.width - 1);
  }
  for (let row = 0; row < to.height; row++) {
    const source = Math.min(Math.floor(row * from.height / to.height), from.height - 1) *
      from.width;
    for (let i = 0; i < to.width; i++) {
      result[row * to.width + i] = label[source + (columns[i] ?? 0)] ?? 0;
    }
  }
  return result;
}

// Both neighbors of each output position along one axis, and the second one's weight.
function linearWeights(from: number, to: number, start: number, count: number) {
  const first = new Int32Array(count);
  const second = new Int32Array(count);
  const weight = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const position = Math.fround((start + i + 0.5) * (from / to) - 0.5);
    const floor = Math.floor(position);
    first[i] = Math.min(Math.max(floor, 0), from - 1);
    second[i] = Math.min(Math.max(floor + 1, 0), from - 1);
    weight[i] = Math.round((position - floor) * WEIGHT_SCALE);
  }
  return { first, second, weight };
}

/**
 * Draws a window, every position equally likely. Along a side where the image is smaller
 * than the crop, the window is the whole side.
 *
 * @param size The image's size.
 * @param crop The crop's size.
 */
export function randomWindow(size: Size, crop: Size, random: Random): CropWindow {
  const top = random.integer(Math.max(size.height - crop.height, 0) + 1);
  const left = random.integer(Math.max(size.width - crop.width, 0) + 1);
  return {
    top,
    left,
    height: Math.min(crop.height, size.height),
    width: Math.min(crop.width, size.width),
  };
}

/**
 * Draws a window that no class dominates: up to ten times until more than one class is
 * present and the largest has less than `catMaxRatio` of the labeled pixels. The window
 * drawn after the tenth failure is not checked.
 *
 * Source: `RandomCrop` of MMSegmentation 0.16 with `cat_max_ratio`.
 *
 * @param label The whole image's class ids. [H, W]
 * @param size H and W.
 * @param catMaxRatio In 0 … 1; 1 accepts every window.
 * @param countClasses Pixels per label value of a window.
 */
export function randomWindowByMaxRatio(
  label: Uint8Array,
  size: Size,
  crop: Size,
  catMaxRatio: number,
  random: Random,
  countClasses = (window: CropWindow) => classHistogram(label, size.width, window),
): CropWindow {
  let window = randomWindow(size, crop, random);
  if (catMaxRatio >= 1) return window;
  for (let attempt = 0; attempt < MAX_WINDOW_TRIES; attempt++) {
    const counts = countClasses(window);
    let labeled = 0;
    let largest = 0;
    let classes = 0;
    for (let id = 0; id < IGNORE_INDEX; id++) {
      const count = counts[id] ?? 0;
      labeled += count;
      largest = Math.max(largest, count);
      if (count > 0) classes++;
    }
    if (classes > 1 && largest / labeled < catMaxRatio) return window;
    window = randomWindow(size, crop, random);
  }
  return window;
}

/**
 * Writes (color − mean) / std into the top left of a larger image and leaves the rest alone.
 *
 * @param image Red, green, blue in 0 … 255. [H, W, 3]
 * @param size H and W.
 * @param normalization Per channel, on the 0 … 255 scale.
 * @param flipped Whether to swap left and right.
 * @param result Where to write. [·, stride, 3]
 * @param stride Width of `result`, W or more.
 */
export function writeNormalized(
  image: Pixels,
  size: Size,
  normalization: Normalization,
  flipped: boolean,
  result: Float32Array,
  stride: number,
): void {
  const { height, width } = size;
  for (let c = 0; c < 3; c++) {
    // 256 possible values: a table rounds each exactly like the division would.
    const table = new Float32Array(256);
    const mean = normalization.mean[c] ?? 0;
    const std = normalization.std[c] ?? 1;
    for (let value = 0; value < 256; value++) table[value] = (value - mean) / std;

    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const from = flipped ? width - 1 - column : column;
        result[(row * stride + column) * 3 + c] =
          table[image[(row * width + from) * 3 + c] ?? 0] ?? 0;
      }
    }
  }
}
