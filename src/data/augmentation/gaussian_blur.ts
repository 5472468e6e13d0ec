/**
 * Gaussian blur of pictures.
 *
 * Source: `GaussianBlur` of torchvision 0.29. (Methods blur their strong views on the device;
 * this is for labeled crops.)
 *
 * @module
 */
import type { Pixels, Size } from "../../core/host_batch.ts";
import type { Random } from "../../core/random.ts";

/** How much crops are blurred. */
export interface BlurOptions {
  /** Least and largest standard deviation in pixels; it is uniform between them. */
  readonly sigma: readonly [number, number];
  /** Length of the filter, odd; null: {@linkcode kernelSizeOf} σ. */
  readonly kernelSize: number | null;
  /** Share of crops that are blurred. */
  readonly probability: number;
}

/** A filter for one crop. */
export interface Blur {
  /** In pixels, above 0. */
  readonly sigma: number;
  /** Odd. */
  readonly kernelSize: number;
}

/** Draws the blur of one crop; null: it stays sharp. */
export function drawBlur(options: BlurOptions, random: Random): Blur | null {
  const isApplied = random.uniform() < options.probability;
  const [min, max] = options.sigma;
  const sigma = min + (max - min) * random.uniform();
  if (!isApplied) return null;
  return { sigma, kernelSize: options.kernelSize ?? kernelSizeOf(sigma) };
}

/** 6σ + 1, rounded and made odd: three σ to either side, as OpenCV has it for 8 bits. */
export const kernelSizeOf = (sigma: number): number => Math.round(6 * sigma + 1) | 1;

/**
 * Blurs an image in place with a normalized Gaussian, first along rows, then along columns.
 * Beyond a border, the image is its mirror image about the border pixel.
 *
 * @param image [H, W, C]
 * @param size H and W.
 * @param channels C
 */
export function blurImage(
  image: Pixels,
  { height, width }: Size,
  channels: number,
  { sigma, kernelSize }: Blur,
): void {
  const radius = (kernelSize - 1) / 2;
  const weights = halfKernel(sigma, radius);
  const length = width * channels;
  const blurredRows = Array.from({ length: height }, (_, row) => {
    const pixels = image.subarray(row * length, (row + 1) * length);
    const line = new Float32Array((width + 2 * radius) * channels);
    line.set(pixels, radius * channels);
    for (let k = 1; k <= radius; k++) {
      for (const column of [-k, width - 1 + k]) {
        const from = mirrored(column, width) * channels;
        line.set(pixels.subarray(from, from + channels), (radius + column) * channels);
      }
    }
    const neighbor = (k: number) => line.subarray((radius + k) * channels);
    return weightedSum(neighbor, weights, length);
  });
  for (let row = 0; row < height; row++) {
    const neighbor = (k: number) => blurredRows[mirrored(row + k, height)] ?? NO_ROW;
    const sums = weightedSum(neighbor, weights, length);
    for (let i = 0; i < length; i++) image[row * length + i] = (sums[i] ?? 0) + 0.5;
  }
}

const NO_ROW = new Float32Array(0);

// Σ of the weights of −radius … radius times the lines at these distances.
function weightedSum(
  lineAt: (distance: number) => Float32Array,
  weights: Float64Array,
  length: number,
): Float32Array {
  const sums = new Float32Array(length);
  const middle = lineAt(0);
  const weight = weights[0] ?? 0;
  for (let i = 0; i < length; i++) sums[i] = weight * (middle[i] ?? 0);
  for (let k = 1; k < weights.length; k++) {
    const [before, after] = [lineAt(-k), lineAt(k)];
    const weight = weights[k] ?? 0;
    for (let i = 0; i < length; i++) {
      sums[i] = (sums[i] ?? 0) + weight * ((before[i] ?? 0) + (after[i] ?? 0));
    }
  }
  return sums;
}

// The weights of the distances 0 … radius; with both sides their sum is 1.
function halfKernel(sigma: number, radius: number): Float64Array {
  const weights = Float64Array.from(
    { length: radius + 1 },
    (_, k) => Math.exp(-0.5 * (k / sigma) ** 2),
  );
  const sum = weights.reduce((all, weight) => all + 2 * weight, -1);
  return weights.map((weight) => weight / sum);
}

// −1 → 1, length → length − 2, and so on at both ends.
function mirrored(index: number, length: number): number {
  const period = 2 * (length - 1);
  if (period === 0) return 0;
  const folded = ((index % period) + period) % period;
  return Math.min(folded, period - folded);
}
