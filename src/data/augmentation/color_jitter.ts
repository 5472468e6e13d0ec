/**
 * Color jitter of pictures: brightness, contrast, saturation and hue, in random order.
 *
 *   brightness: v ← v · f       contrast: v ← v · f + (1 − f) · mean of the gray image
 *   hue: H ← H + f turns        saturation: v ← v · f + (1 − f) · gray
 *
 * with gray = 0.2989 R + 0.587 G + 0.114 B, cut off to whole numbers like every result.
 *
 * Source: `ColorJitter` of torchvision 0.29 on tensors of whole numbers. (The strong views of
 * methods have another one, that of kornia.)
 *
 * @module
 */
import type { Pixels } from "../../core/host_batch.ts";
import type { Random } from "../../core/random.ts";

/** How much colors change. */
export interface ColorJitterOptions {
  /** b: factors are uniform in max(0, 1 − b) … 1 + b. */
  readonly brightness: number;
  /** Likewise. */
  readonly contrast: number;
  /** Likewise. */
  readonly saturation: number;
  /** h: turns of the color wheel are uniform in −h … h. */
  readonly hue: number;
  /** Share of crops whose colors change. */
  readonly probability: number;
}

/** A change of the colors of one crop. */
export interface ColorChange {
  readonly kind: "brightness" | "contrast" | "saturation" | "hue";
  /** A factor; of hue, turns of the color wheel in −½ … ½. */
  readonly amount: number;
}

/** Draws the changes of one crop in their order; none if it keeps its colors. */
export function drawColorJitter(
  options: ColorJitterOptions,
  random: Random,
): readonly ColorChange[] {
  const isApplied = random.uniform() < options.probability;
  const between = (min: number, max: number) => min + (max - min) * random.uniform();
  const kinds = ["brightness", "contrast", "saturation"] as const;
  const changes: ColorChange[] = kinds.map((kind) => ({
    kind,
    amount: between(Math.max(0, 1 - options[kind]), 1 + options[kind]),
  }));
  changes.push({ kind: "hue", amount: between(-options.hue, options.hue) });
  const order = random.sample(changes.length, changes.length);
  if (!isApplied) return [];
  return order.flatMap((i) => changes[i] ?? []).filter(({ kind }) => options[kind] > 0);
}

const { fround } = Math;

const SIXTH = fround(1 / 6);

/**
 * Changes the colors of an image in place. Only the first three channels change; of an image
 * with one or two channels these, and only in brightness and contrast.
 *
 * @param image [H, W, C]
 * @param channels C
 */
export function jitterColors(
  image: Pixels,
  channels: number,
  changes: readonly ColorChange[],
): void {
  const isColored = channels >= 3;
  for (const { kind, amount } of changes) {
    if (kind === "brightness") scaleBrightness(image, channels, amount);
    else if (kind === "contrast") scaleContrast(image, channels, amount);
    else if (!isColored) continue;
    else if (kind === "saturation") scaleSaturation(image, channels, amount);
    else shiftHue(image, channels, amount);
  }
}

// As in the source, numbers are float32 and results are cut off to whole ones.

const largestValue = (image: Pixels) => image instanceof Uint16Array ? 65535 : 255;

function scaleBrightness(image: Pixels, channels: number, factor: number): void {
  const largest = largestValue(image);
  const f = fround(factor);
  const changed = Math.min(channels, 3);
  for (let from = 0; from < image.length; from += channels) {
    for (let i = from; i < from + changed; i++) {
      image[i] = Math.min(fround((image[i] ?? 0) * f), largest);
    }
  }
}

function scaleContrast(image: Pixels, channels: number, factor: number): void {
  const largest = largestValue(image);
  const f = fround(factor);
  const changed = Math.min(channels, 3);
  let sum = 0;
  for (let from = 0; from < image.length; from += channels) {
    sum += grayOf(image, from, changed);
  }
  const mean = fround(sum / (image.length / channels));
  const shift = mean * fround(1 - factor);
  for (let from = 0; from < image.length; from += channels) {
    for (let i = from; i < from + changed; i++) {
      const value = fround(fround((image[i] ?? 0) * f) + shift);
      image[i] = Math.min(Math.max(value, 0), largest);
    }
  }
}

function scaleSaturation(image: Pixels, channels: number, factor: number): void {
  const largest = largestValue(image);
  const f = fround(factor);
  const rest = fround(1 - factor);
  for (let from = 0; from < image.length; from += channels) {
    const shift = grayOf(image, from, 3) * rest;
    for (let i = from; i < from + 3; i++) {
      const value = fround(fround((image[i] ?? 0) * f) + shift);
      image[i] = Math.min(Math.max(value, 0), largest);
    }
  }
}

const [RED, GREEN, BLUE] = [fround(0.2989), fround(0.587), fround(0.114)] as const;

// Of three channels; with fewer, their mean.
function grayOf(image: Pixels, from: number, channels: number): number {
  const first = image[from] ?? 0;
  if (channels === 1) return first;
  const second = image[from + 1] ?? 0;
  if (channels === 2) return (first + second) / 2;
  const redAndGreen = fround(fround(first * RED) + second * GREEN);
  return Math.floor(fround(redAndGreen + (image[from + 2] ?? 0) * BLUE));
}

// From RGB to HSV and back, as Pillow does it, in float32.
function shiftHue(image: Pixels, channels: number, turns: number): void {
  const largest = largestValue(image);
  const toUnit = fround(1 / largest);
  const fromUnit = fround(largest + 1 - 1e-3);
  for (let from = 0; from < image.length; from += channels) {
    const r = fround((image[from] ?? 0) * toUnit);
    const g = fround((image[from + 1] ?? 0) * toUnit);
    const b = fround((image[from + 2] ?? 0) * toUnit);
    const max = Math.max(r, g, b);
    const range = fround(max - Math.min(r, g, b));
    if (range === 0) continue; // gray
    const rc = fround(fround(max - r) / range);
    const gc = fround(fround(max - g) / range);
    const bc = fround(fround(max - b) / range);
    const sixths = max === r
      ? fround(bc - gc)
      : max === g
      ? fround(fround(rc + 2) - bc)
      : fround(fround(gc + 4) - rc);
    const shifted = fround(fround(fround(sixths * SIXTH) + 1) % 1 + turns);
    const h6 = fround(fround(shifted - Math.floor(shifted)) * 6);
    const sector = Math.floor(h6);
    const f = fround(h6 - sector);
    const s = fround(range / max);
    const sf = fround(s * f);
    const p = fround((1 - s) * max);
    const q = fround(fround(1 - sf) * max);
    const t = fround(fround(sf + fround(1 - s)) * max);
    // [red, green, blue] in each sixth of the wheel.
    const red = sector === 1
      ? q
      : sector === 2 || sector === 3
      ? p
      : sector === 4
      ? t
      : max;
    const green = sector === 0 || sector === 6
      ? t
      : sector < 3
      ? max
      : sector === 3
      ? q
      : p;
    const blue = sector < 2 || sector === 6 ? p : sector === 2 ? t : sector < 5 ? max : q;
    image[from] = Math.min(fround(red * fromUnit), largest);
    image[from + 1] = Math.min(fround(green * fromUnit), largest);
    image[from + 2] = Math.min(fround(blue * fromUnit), largest);
  }
}
