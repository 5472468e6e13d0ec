/** Label maps, confidences and images as RGB pixels. @module */

import type { ClassInfo, Normalization, PixelFormat } from "../core/host_batch.ts";
import { displayRgb } from "../formats/display_rgb.ts";

type Palette = readonly Pick<ClassInfo, "color">[];

/** Pixels without a class. */
const UNLABELED_COLOR: readonly [number, number, number] = [0, 0, 0];

/**
 * Paints every label in the color of its class, and black where it has none.
 *
 * @param labels Class ids. [H, W]
 * @returns [H, W, 3]
 */
export function colorize(
  labels: ArrayLike<number>,
  classes: Palette,
): Uint8Array<ArrayBuffer> {
  const rgb = new Uint8Array(labels.length * 3);
  for (let pixel = 0; pixel < labels.length; pixel++) {
    rgb.set(classes[labels[pixel] ?? -1]?.color ?? UNLABELED_COLOR, 3 * pixel);
  }
  return rgb;
}

/**
 * Lays the colors of labels over an image; pixels without a class stay as they are.
 *
 * @param image [H, W, 3]
 * @param labels Class ids. [H, W]
 * @param opacity 0: only the image, 1: only the colors.
 * @returns [H, W, 3]
 * @throws {RangeError} If image and labels have different numbers of pixels.
 */
export function overlay(
  image: Uint8Array,
  labels: ArrayLike<number>,
  classes: Palette,
  opacity = 0.5,
): Uint8Array<ArrayBuffer> {
  if (image.length !== 3 * labels.length) {
    throw new RangeError(
      `Cannot lay ${labels.length} labels over an image of ${image.length / 3} pixels`,
    );
  }
  const rgb = new Uint8Array(image);
  for (let pixel = 0; pixel < labels.length; pixel++) {
    const { color } = classes[labels[pixel] ?? -1] ?? {};
    color?.forEach((value, channel) => {
      const at = 3 * pixel + channel;
      rgb[at] = Math.round((1 - opacity) * (image[at] ?? 0) + opacity * value);
    });
  }
  return rgb;
}

/**
 * Shows numbers of 0 … 1 from black to white; others are cut off.
 *
 * @param values [H, W]
 * @returns [H, W, 3]
 */
export function grayscale(values: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const rgb = new Uint8Array(values.length * 3);
  for (let pixel = 0; pixel < values.length; pixel++) {
    const value = Math.min(1, Math.max(0, values[pixel] ?? 0));
    rgb.fill(Math.round(255 * value), 3 * pixel, 3 * pixel + 3);
  }
  return rgb;
}

/**
 * Turns what a network sees back into a picture, as `displayRgb` shows it.
 *
 * @param image After normalization. [H, W, C]
 * @param bitDepth Of the pixels before that.
 * @returns [H, W, 3]
 */
export function denormalize(
  image: ArrayLike<number>,
  { mean, std }: Normalization,
  bitDepth: PixelFormat["bitDepth"],
): Uint8Array {
  const channels = mean.length;
  const most = 2 ** bitDepth - 1;
  const { length } = image;
  const pixels = bitDepth === 8 ? new Uint8Array(length) : new Uint16Array(length);
  for (let at = 0; at < length; at++) {
    const channel = at % channels;
    const value = (image[at] ?? 0) * (std[channel] ?? 1) + (mean[channel] ?? 0);
    pixels[at] = Math.min(most, Math.max(0, Math.round(value)));
  }
  return displayRgb(pixels, channels);
}
