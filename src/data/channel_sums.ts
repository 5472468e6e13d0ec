/** Mean and standard deviation of each channel of many images. @module */

import type { Normalization } from "../core/host_batch.ts";
import type { RasterImage } from "../formats/image_codec.ts";

/** Sums over the pixels of images: plain JSON. */
export interface ChannelSums {
  readonly pixels: number;
  /** Of the values, per channel. */
  readonly sums: number[];
  /** Of their squares, per channel. */
  readonly squares: number[];
}

/** Sums up an image. */
export function channelSums({ width, height, channels, data }: RasterImage): ChannelSums {
  const sums = Array<number>(channels).fill(0);
  const squares = Array<number>(channels).fill(0);
  for (let c = 0; c < channels; c++) {
    let [sum, square] = [0, 0];
    for (let at = c; at < data.length; at += channels) {
      const value = data[at] ?? 0;
      sum += value;
      square += value * value;
    }
    [sums[c], squares[c]] = [sum, square];
  }
  return { pixels: width * height, sums, squares };
}

/** The sums of two sets of images. */
export function addChannelSums(a: ChannelSums | null, b: ChannelSums): ChannelSums {
  if (a === null) return b;
  const add = (x: number[], y: number[]) => x.map((value, c) => value + (y[c] ?? 0));
  return {
    pixels: a.pixels + b.pixels,
    sums: add(a.sums, b.sums),
    squares: add(a.squares, b.squares),
  };
}

/**
 * Mean and standard deviation over all pixels, to six digits. The deviation of a channel
 * that is the same everywhere is given as 1, by which one can divide.
 */
export function channelStatistics(
  { pixels, sums, squares }: ChannelSums,
): Normalization {
  const means = sums.map((sum) => sum / pixels);
  const rounded = (value: number) => Number(value.toPrecision(6));
  const std = squares.map((square, c) => {
    const variance = square / pixels - (means[c] ?? 0) ** 2;
    return rounded(Math.sqrt(Math.max(0, variance))) || 1;
  });
  return { mean: means.map(rounded), std };
}
