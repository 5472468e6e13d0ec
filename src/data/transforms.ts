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

/** The size of an image and how many values a pixel of it has. */
export interface ImageShape extends Size {
  readonly channels: number;
}

/** As many zeros of the kind of other pixels. */
export const zeroPixels = (like: Pixels, length: number): Pixels =>
  like instanceof Uint16Array ? new Uint16Array(length) : new Uint8Array(length);

/**
 * Bilinear scaling without antialiasing.
 *
 * Source position = (i + ½)·in/out − ½, neighbors clamped to the border; the result is
 * rounded to whole numbers. The weights of 8-bit pixels have 11 bits, those of 16-bit
 * pixels are floats.
 *
 * Source: `cv::resize` with INTER_LINEAR of OpenCV 4.4 on `uint8` and `uint16`.
 *
 * @param image [H, W, C]
 * @param from Its H, W and C.
 * @param to The size to scale to.
 * @param window The part of the scaled image to compute; all of it if left out.
 * @returns The window. [window.height, window.width, C]
 */
export function resizeBilinear(
  image: Pixels,
  from: ImageShape,
  to: Size,
  window: CropWindow = { top: 0, left: 0, ...to },
): Pixels {
  const { channels } = from;
  const { top, left, height, width } = window;
  const result = zeroPixels(image, height * width * channels);
  if (from.height === to.height && from.width === to.width) {
    for (let row = 0; row < height; row++) {
      const start = ((top + row) * from.width + left) * channels;
      const line = image.subarray(start, start + width * channels);
      result.set(line, row * width * channels);
    }
    return result;
  }

  const columns = linearWeights(from.width, to.width, left, width);
  const rows = linearWeights(from.height, to.height, top, height);
  const lerp = image instanceof Uint16Array ? lerpFloats : lerpFixedPoint;
  lerp(image, from, columns, rows, result);
  return result;
}

function lerpFixedPoint(
  image: Pixels,
  { width, channels }: ImageShape,
  columns: LinearWeights,
  rows: LinearWeights,
  result: Pixels,
): void {
  let at = 0;
  for (let row = 0; row < rows.weight.length; row++) {
    const above = (rows.first[row] ?? 0) * width * channels;
    const below = (rows.second[row] ?? 0) * width * channels;
    const lower = rows.weight[row] ?? 0;
    const upper = WEIGHT_SCALE - lower;
    for (let column = 0; column < columns.weight.length; column++) {
      const a = (columns.first[column] ?? 0) * channels;
      const b = (columns.second[column] ?? 0) * channels;
      const right = columns.weight[column] ?? 0;
      const near = WEIGHT_SCALE - right;
      for (let c = 0; c < channels; c++) {
        const high = near * (image[above + a + c] ?? 0) +
          right * (image[above + b + c] ?? 0);
        const low = near * (image[below + a + c] ?? 0) +
          right * (image[below + b + c] ?? 0);
        // OpenCV drops bits on the way so that its sums fit 16-bit lanes.
        result[at++] = ((upper * (high >> 4)) >> 16) + ((lower * (low >> 4)) >> 16) +
            2 >> 2;
      }
    }
  }
}

function lerpFloats(
  image: Pixels,
  { width, channels }: ImageShape,
  columns: LinearWeights,
  rows: LinearWeights,
  result: Pixels,
): void {
  const { fround } = Math;
  const mix = (x: number, y: number, share: number) =>
    fround(fround(x * fround(1 - share)) + fround(y * share));
  let at = 0;
  for (let row = 0; row < rows.weight.length; row++) {
    const above = (rows.first[row] ?? 0) * width * channels;
    const below = (rows.second[row] ?? 0) * width * channels;
    const lower = rows.fraction[row] ?? 0;
    for (let column = 0; column < columns.weight.length; column++) {
      const a = (columns.first[column] ?? 0) * channels;
      const b = (columns.second[column] ?? 0) * channels;
      const right = columns.fraction[column] ?? 0;
      for (let c = 0; c < channels; c++) {
        const high = mix(image[above + a + c] ?? 0, image[above + b + c] ?? 0, right);
        const low = mix(image[below + a + c] ?? 0, image[below + b + c] ?? 0, right);
        result[at++] = roundHalfToEven(mix(high, low, lower));
      }
    }
  }
}

/** The nearest whole number of one of at least 0; the even one of two. */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + floor % 2 : Math.round(value);
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

/** Both neighbors of each output position along one axis, and the second one's weight. */
interface LinearWeights {
  readonly first: Int32Array;
  readonly second: Int32Array;
  /** Of {@linkcode WEIGHT_SCALE}. */
  readonly weight: Int32Array;
  /** Of 1. */
  readonly fraction: Float32Array;
}

function linearWeights(
  from: number,
  to: number,
  start: number,
  count: number,
): LinearWeights {
  const first = new Int32Array(count);
  const second = new Int32Array(count);
  const weight = new Int32Array(count);
  const fraction = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const position = Math.fround((start + i + 0.5) * (from / to) - 0.5);
    const floor = Math.floor(position);
    first[i] = Math.min(Math.max(floor, 0), from - 1);
    second[i] = Math.min(Math.max(floor + 1, 0), from - 1);
    weight[i] = Math.round((position - floor) * WEIGHT_SCALE);
    fraction[i] = first[i] === second[i] ? 0 : position - floor;
  }
  return { first, second, weight, fraction };
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
 */
export function randomWindowByMaxRatio(
  label: Uint8Array,
  size: Size,
  crop: Size,
  catMaxRatio: number,
  random: Random,
): CropWindow {
  let window = randomWindow(size, crop, random);
  if (catMaxRatio >= 1) return window;
  for (let attempt = 0; attempt < MAX_WINDOW_TRIES; attempt++) {
    const counts = classHistogram(label, size.width, window);
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
 * Writes (value − mean) / std into the top left of a larger image and leaves the rest alone.
 *
 * @param image [H, W, C]
 * @param size H and W.
 * @param normalization Of C channels, in the units of the pixels.
 * @param flipped Whether to swap left and right.
 * @param result Where to write. [·, stride, C]
 * @param stride Width of `result`, W or more.
 * @throws {RangeError} If the image has another number of channels.
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
  const channels = normalization.mean.length;
  if (image.length !== height * width * channels) {
    throw new RangeError(
      `Cannot normalize an image of ${width}×${height}: ${image.length} values are not ` +
        `${channels} per pixel`,
    );
  }
  for (let c = 0; c < channels; c++) {
    const mean = normalization.mean[c] ?? 0;
    const std = normalization.std[c] ?? 1;
    // Of 256 possible values, a table rounds each exactly like the division would.
    const table = image instanceof Uint8Array
      ? Float32Array.from({ length: 256 }, (_, value) => (value - mean) / std)
      : null;
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const from = flipped ? width - 1 - column : column;
        const value = image[(row * width + from) * channels + c] ?? 0;
        result[(row * stride + column) * channels + c] = table === null
          ? (value - mean) / std
          : table[value] ?? 0;
      }
    }
  }
}
