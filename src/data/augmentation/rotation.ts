/**
 * Turns crops about their center. What a turned crop shows comes from the whole image, so
 * that a corner is empty only where the image ends.
 *
 * Source: `RandomRotation` and `rotate` of torchvision 0.29, with the crop's center as the
 * center.
 *
 * @module
 */
import type { Pixels, Size } from "../../core/host_batch.ts";
import type { Random } from "../../core/random.ts";
import type { CropWindow } from "../class_counts.ts";

/** How much crops are turned. */
export interface RotationOptions {
  /** a: angles are uniform in −a … a degrees. */
  readonly maxDegrees: number;
  /** Share of crops that are turned. */
  readonly probability: number;
}

/** Draws the angle of a crop in degrees, counterclockwise; 0: it is not turned. */
export function drawRotation(options: RotationOptions, random: Random): number {
  const isApplied = random.uniform() < options.probability;
  const degrees = options.maxDegrees * (2 * random.uniform() - 1);
  return isApplied ? degrees : 0;
}

/** A crop that is to be turned. */
export interface TurnedWindow extends CropWindow {
  /** The size of the whole image. */
  readonly imageSize: Size;
  /** Counterclockwise. */
  readonly degrees: number;
}

/**
 * Cuts a turned crop out of an image; positions between pixels are interpolated linearly.
 * Positions beyond the image have the color of its nearest border.
 *
 * @param channels C
 * @param readRegion Gives a rectangle of the whole image. [height, width, C]
 * @returns The crop. [height, width, C]
 */
export function rotateBilinear(
  window: TurnedWindow,
  channels: number,
  readRegion: (region: CropWindow) => Pixels,
): Pixels {
  const { height, width } = window;
  const region = enclosingRegion(window);
  const image = readRegion(region);
  const length = height * width * channels;
  const result = image instanceof Uint16Array
    ? new Uint16Array(length)
    : new Uint8Array(length);
  const { cos, sin, originX, originY } = sourcePositions(window);
  const lastX = region.width - 1;
  const lastY = region.height - 1;
  let at = 0;
  for (let row = 0; row < height; row++) {
    const startX = originX - region.left - sin * row;
    const startY = originY - region.top + cos * row;
    for (let column = 0; column < width; column++) {
      const x = Math.min(Math.max(startX + cos * column, 0), lastX);
      const y = Math.min(Math.max(startY + sin * column, 0), lastY);
      const left = Math.floor(x);
      const top = Math.floor(y);
      const right = x - left;
      const bottom = y - top;
      const nextColumn = left < lastX ? channels : 0;
      const nextRow = top < lastY ? region.width * channels : 0;
      let from = (top * region.width + left) * channels;
      for (let c = 0; c < channels; c++, from++, at++) {
        const upper = (image[from] ?? 0) * (1 - right) +
          (image[from + nextColumn] ?? 0) * right;
        const lower = (image[from + nextRow] ?? 0) * (1 - right) +
          (image[from + nextRow + nextColumn] ?? 0) * right;
        result[at] = upper * (1 - bottom) + lower * bottom + 0.5; // cuts off: rounds
      }
    }
  }
  return result;
}

/**
 * The pixel of the image that is nearest to every pixel of a turned crop.
 *
 * @returns Index in the image, −1 where that is beyond it. [height, width]
 */
export function rotatedIndices(window: TurnedWindow): Int32Array {
  const { height, width, imageSize } = window;
  const { cos, sin, originX, originY } = sourcePositions(window);
  const result = new Int32Array(height * width);
  let at = 0;
  for (let row = 0; row < height; row++) {
    const startX = originX - sin * row + 0.5;
    const startY = originY + cos * row + 0.5;
    for (let column = 0; column < width; column++, at++) {
      const x = Math.floor(startX + cos * column);
      const y = Math.floor(startY + sin * column);
      const isInside = x >= 0 && y >= 0 && x < imageSize.width && y < imageSize.height;
      result[at] = isInside ? y * imageSize.width + x : -1;
    }
  }
  return result;
}

/**
 * Cuts a turned crop out of a label.
 *
 * @param label Class ids of the whole image.
 * @param indices Those of {@linkcode rotatedIndices}.
 * @param outside The label of pixels beyond the image.
 * @returns Class ids, as many as indices.
 */
export function rotateNearest(
  label: Uint8Array,
  indices: Int32Array,
  outside: number,
): Uint8Array {
  const result = new Uint8Array(indices.length);
  for (let i = 0; i < indices.length; i++) result[i] = label[indices[i] ?? -1] ?? outside;
  return result;
}

/**
 * Sets the pixels of a normalized crop to 0, the mean color, that are beyond the image.
 *
 * @param indices Those of {@linkcode rotatedIndices}.
 * @param size Height and width of the crop.
 * @param channels C
 * @param flipped Whether the result is mirrored.
 * @param result The crop, in the top left. [·, stride, C]
 * @param stride Width of `result`.
 */
export function clearOutside(
  indices: Int32Array,
  { height, width }: Size,
  channels: number,
  flipped: boolean,
  result: Float32Array,
  stride: number,
): void {
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const from = flipped ? width - 1 - column : column;
      if ((indices[row * width + from] ?? 0) >= 0) continue;
      const at = (row * stride + column) * channels;
      result.fill(0, at, at + channels);
    }
  }
}

// The source of the pixel (row, column) of the crop, in pixels of the image:
// x = originX + cos·column − sin·row, y = originY + sin·column + cos·row.
function sourcePositions({ top, left, height, width, degrees }: TurnedWindow) {
  const cos = Math.cos(degrees * Math.PI / 180);
  const sin = Math.sin(degrees * Math.PI / 180);
  const [centerX, centerY] = [(width - 1) / 2, (height - 1) / 2];
  return {
    cos,
    sin,
    originX: left + centerX - cos * centerX + sin * centerY,
    originY: top + centerY - sin * centerX - cos * centerY,
  };
}

// The part of the image in which all neighbors of all source positions lie.
function enclosingRegion(window: TurnedWindow): CropWindow {
  const { height, width, imageSize } = window;
  const { cos, sin, originX, originY } = sourcePositions(window);
  const spanX = [cos * (width - 1), -sin * (height - 1)];
  const spanY = [sin * (width - 1), cos * (height - 1)];
  const sumOf = (spans: readonly number[], limit: (a: number, b: number) => number) =>
    spans.reduce((sum, span) => sum + limit(span, 0), 0);
  const within = (origin: number, spans: readonly number[], side: number) => {
    const start = Math.max(0, Math.floor(origin + sumOf(spans, Math.min)));
    const end = Math.min(side, Math.floor(origin + sumOf(spans, Math.max)) + 2);
    return { start, length: end - start };
  };
  const x = within(originX, spanX, imageSize.width);
  const y = within(originY, spanY, imageSize.height);
  return { top: y.start, left: x.start, height: y.length, width: x.length };
}
