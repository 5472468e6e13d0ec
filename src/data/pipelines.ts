/**
 * What samples are made into: one crop for training (resize → crop, turned → color jitter →
 * blur → flip → normalize → pad → erase), the whole image for evaluation (resize →
 * normalize), or a thumbnail.
 *
 * @module
 */

import {
  IGNORE_INDEX,
  type ImagePlacement,
  type Normalization,
  type Size,
} from "../core/host_batch.ts";
import type { Random } from "../core/random.ts";
import { displayRgb } from "../formats/display_rgb.ts";
import { type DrawnAugmentation, NO_AUGMENTATION } from "./augmentation/augmentation.ts";
import { jitterColors } from "./augmentation/color_jitter.ts";
import { blurImage } from "./augmentation/gaussian_blur.ts";
import { fillBox } from "./augmentation/random_erasing.ts";
import {
  clearOutside,
  rotateBilinear,
  rotatedIndices,
  rotateNearest,
} from "./augmentation/rotation.ts";
import { classHistogram, type CropWindow } from "./class_counts.ts";
import type { Sample } from "./data_set.ts";
import {
  type ImageShape,
  randomWindow,
  randomWindowByMaxRatio,
  rescaleSize,
  resizeBilinear,
  resizeNearest,
  writeNormalized,
} from "./transforms.ts";

/** How training crops are made. */
export interface CropOptions {
  /** The box into which images are scaled first; null keeps their size. */
  readonly resize: Size | null;
  /**
   * Factors a ≤ 1 ≤ b of an additional scaling.
   *
   * @default {null}
   */
  readonly randomScale?: readonly [number, number] | null;
  /**
   * "halves": by a + (1 − a)·u or 1 + (b − 1)·u, half of the time each, u in [0, 1);
   * "uniform": by a + (b − a)·u.
   *
   * @default {"halves"}
   */
  readonly randomScaleDistribution?: "halves" | "uniform";
  /**
   * Where small images lie in the crop, and what label surrounds them.
   *
   * @default {{ position: "corner", label: 255 }}
   */
  readonly padding?: { readonly position: "corner" | "center"; readonly label: number };
  /** The size of every crop, in pixels. */
  readonly cropSize: Size;
  /** The probability of swapping left and right. */
  readonly flipProbability: number;
  /** A labeled crop in which one class has this share or more is drawn again. */
  readonly catMaxRatio: number;
  /** Mean and deviation per channel. */
  readonly normalization: Normalization;
}

/** The class for whose sake an image was chosen. */
export interface RequiredClass {
  /** Class id. */
  readonly id: number;
  /** A crop has to hold more pixels of it than this. */
  readonly minPixels: number;
}

/** Where a crop goes: the slot of one item in a batch. */
export interface CropBuffers {
  /** Normalized, zero beforehand. [crop.height, crop.width, C] */
  readonly image: Float32Array;
  /** Class ids; null to leave labels out. [crop.height, crop.width] */
  readonly label: Uint8Array | null;
}

const DEFAULT_PADDING = { position: "corner", label: IGNORE_INDEX } as const;

/** How many crops are drawn until one shows the required class; the last is not checked. */
const MAX_CLASS_TRIES = 11;

/**
 * Makes one training crop of a sample.
 *
 * Images smaller than the crop are padded with 0 after normalization: at the bottom and at
 * the right with label 255, unless the options say otherwise. A corner of a turned crop that
 * lies beyond the image is padding, too. Shares and counts of classes are those of the turned
 * crop, before a part of it is erased.
 *
 * Source: the training pipelines of DAFormer (MMSegmentation 0.16) and its rare class
 * sampling, Hoyer et al., CVPR 2022, https://arxiv.org/abs/2111.14887. Only the crop's part
 * of the scaled image is computed; the values are the same.
 *
 * @param sample Without a label, `catMaxRatio` has no effect.
 * @param random The only source of randomness, used in a fixed order.
 * @param buffers Where the result goes.
 * @param requiredClass The class the crop should show, or null.
 * @param augmentation What else happens to the crop.
 * @returns Where the scaled image lies in the crop, were it not turned.
 */
export function writeTrainingCrop(
  sample: Sample,
  options: CropOptions,
  random: Random,
  buffers: CropBuffers,
  requiredClass: RequiredClass | null = null,
  augmentation: DrawnAugmentation = NO_AUGMENTATION,
): ImagePlacement {
  const { cropSize, normalization } = options;
  const channels = normalization.mean.length;
  const { degrees, colorChanges, blur, erased } = augmentation;
  const rescaled = rescaleSize(sample, options.resize);
  const range = options.randomScale ?? null;
  const scaled = range === null ? rescaled : scaleSize(
    rescaled,
    randomScaleFactor(range, options.randomScaleDistribution ?? "halves", random),
  );
  const label = sample.label && resizeNearest(sample.label, sample, scaled);
  const turn = (window: CropWindow) => ({ ...window, imageSize: scaled, degrees });
  const countClasses = (label: Uint8Array, window: CropWindow) => {
    if (degrees === 0) return classHistogram(label, scaled.width, window);
    const turned = rotateNearest(label, rotatedIndices(turn(window)), IGNORE_INDEX);
    return classHistogram(turned, window.width, { ...window, top: 0, left: 0 });
  };

  const drawCrop = () => {
    const window = label === null
      ? randomWindow(scaled, cropSize, random)
      : randomWindowByMaxRatio(
        label,
        scaled,
        cropSize,
        options.catMaxRatio,
        random,
        (window) => countClasses(label, window),
      );
    return { window, flipped: random.uniform() < options.flipProbability };
  };
  let { window, flipped } = drawCrop();
  if (requiredClass !== null && label !== null) {
    for (let attempt = 1; attempt < MAX_CLASS_TRIES; attempt++) {
      const pixels = countClasses(label, window)[requiredClass.id] ?? 0;
      if (pixels > requiredClass.minPixels) break;
      ({ window, flipped } = drawCrop());
    }
  }

  const readRegion = (region: CropWindow) =>
    resizeBilinear(sample.image, sample, scaled, region);
  const image = degrees === 0
    ? readRegion(window)
    : rotateBilinear(turn(window), channels, readRegion);
  jitterColors(image, channels, colorChanges);
  if (blur !== null) blurImage(image, window, channels, blur);
  const { position, label: paddingLabel } = options.padding ?? DEFAULT_PADDING;
  const margin = (side: "height" | "width") =>
    position === "corner" ? 0 : Math.floor((cropSize[side] - window[side]) / 2);
  const [firstRow, firstColumn] = [margin("height"), margin("width")];
  const offset = firstRow * cropSize.width + firstColumn;
  const hiddenLeft = flipped ? scaled.width - window.left - window.width : window.left;
  const placement: ImagePlacement = {
    ...scaled,
    top: firstRow - window.top,
    left: firstColumn - hiddenLeft,
    isFlipped: flipped,
  };
  const target = buffers.image.subarray(channels * offset);
  writeNormalized(image, window, normalization, flipped, target, cropSize.width);

  const indices = degrees === 0 ? null : rotatedIndices(turn(window));
  if (indices !== null) {
    clearOutside(indices, window, channels, flipped, target, cropSize.width);
  }

  buffers.label?.fill(paddingLabel);
  if (buffers.label !== null && label !== null) {
    const ids = indices === null
      ? cutLabel(label, scaled.width, window)
      : rotateNearest(label, indices, paddingLabel);
    const { width } = window;
    for (let row = 0; row < window.height; row++) {
      const line = ids.subarray(row * width, (row + 1) * width);
      if (flipped) line.reverse();
      buffers.label.set(line, offset + row * cropSize.width);
    }
  }

  if (erased === null) return placement;
  fillBox(buffers.image, cropSize.width, channels, erased, 0);
  if (buffers.label !== null && !erased.keepsLabel) {
    fillBox(buffers.label, cropSize.width, 1, erased, IGNORE_INDEX);
  }
  return placement;
}

// The part of a label in a window; `stride` is the width of the whole.
function cutLabel(label: Uint8Array, stride: number, window: CropWindow): Uint8Array {
  const { top, left, height, width } = window;
  const result = new Uint8Array(height * width);
  for (let row = 0; row < height; row++) {
    const start = (top + row) * stride + left;
    result.set(label.subarray(start, start + width), row * width);
  }
  return result;
}

// Sources: the random resize of U2PL, Wang et al. (CVPR 2022), with [0.5, 2], and
// `RandomResize` of MMSegmentation or `ScaleJitter` of torchvision.
function randomScaleFactor(
  [min, max]: readonly [number, number],
  distribution: "halves" | "uniform",
  random: Random,
): number {
  if (distribution === "uniform") return min + (max - min) * random.uniform();
  const shrinks = random.uniform() < 0.5;
  const u = random.uniform();
  return shrinks ? min + (1 - min) * u : 1 + (max - 1) * u;
}

function scaleSize({ height, width }: Size, factor: number): Size {
  return {
    height: Math.max(1, Math.floor(height * factor)),
    width: Math.max(1, Math.floor(width * factor)),
  };
}

/** A scaled image for the network, of H×W×C, and the label against which it is scored. */
export interface EvaluationImage extends ImageShape {
  /** The stem of its files. */
  readonly name: string;
  /** Normalized. [H, W, C] */
  readonly image: Float32Array<ArrayBuffer>;
  /** The size of the file, at which predictions are scored. */
  readonly originalSize: Size;
  /** Class ids at the original size, 255 ignored; null in a set without labels. */
  readonly label: Uint8Array | null;
}

/**
 * Prepares a sample for evaluation. The label keeps the size of the file: predictions are
 * scaled to it, never the other way around.
 *
 * @param options `resize`: the box into which the image is scaled, null for none.
 */
export function prepareEvaluationImage(
  sample: Sample,
  options: { readonly resize: Size | null; readonly normalization: Normalization },
): EvaluationImage {
  const scaled = rescaleSize(sample, options.resize);
  const { name, height, width, channels, label } = sample;
  const image = new Float32Array(scaled.height * scaled.width * channels);
  const pixels = resizeBilinear(sample.image, sample, scaled);
  writeNormalized(pixels, scaled, options.normalization, false, image, scaled.width);
  return { name, ...scaled, channels, image, originalSize: { height, width }, label };
}

/** An image and its label, made small. */
export interface Thumbnail extends Size {
  /** The sample's. */
  readonly name: string;
  /** Means over the pixels that fall into one, as they are shown. [H, W, 3] */
  readonly rgb: Uint8Array<ArrayBuffer>;
  /** The class id in the middle of them. [H, W] */
  readonly labels: Uint8Array<ArrayBuffer>;
}

/** Scales a sample down to a width; a smaller one stays as it is. */
export function createThumbnail(sample: Sample, maxWidth: number): Thumbnail {
  const { name, label } = sample;
  const image = displayRgb(sample.image, sample.channels);
  const width = Math.min(maxWidth, sample.width);
  const height = Math.max(1, Math.round(sample.height * width / sample.width));
  const boundary = (i: number, from: number, to: number) => Math.floor(i * from / to);
  const rgb = new Uint8Array(width * height * 3);
  const labels = new Uint8Array(width * height).fill(IGNORE_INDEX);
  for (let row = 0; row < height; row++) {
    const top = boundary(row, sample.height, height);
    const bottom = Math.max(top + 1, boundary(row + 1, sample.height, height));
    for (let column = 0; column < width; column++) {
      const left = boundary(column, sample.width, width);
      const right = Math.max(left + 1, boundary(column + 1, sample.width, width));
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
      labels[to] = label?.[middle] ?? IGNORE_INDEX;
    }
  }
  return { name, width, height, rgb, labels };
}
