/** What the pictures of a data set are like: sizes, colors, and whether they are a film. @module */

import {
  describeFormat,
  type PixelFormat,
  RGB_FORMAT,
  type Size,
} from "../core/host_batch.ts";
import { evenlySpacedIndices } from "../data/evenly_spaced.ts";
import { createThumbnail } from "../data/pipelines.ts";
import type { RasterImage } from "../formats/image_codec.ts";
import { isPng, isTiff } from "../formats/image_file.ts";
import { readPngStructure } from "../formats/png.ts";
import { decodeTiff } from "../formats/tiff.ts";
import type { ImageFile } from "./found_data.ts";
import { byNumber, sequenceOf } from "./propose_split.ts";

/** What was measured of some pictures. */
export interface ImageMeasures {
  /** Of the picture in the middle by area. */
  readonly typical: Size;
  /** Of all sizes that were met. */
  readonly sizes: readonly Size[];
  /** Per channel, in the units of the pixels. */
  readonly mean: readonly number[];
  /** Likewise. */
  readonly std: readonly number[];
  readonly count: number;
}

/** Pictures that are measured. */
const MAX_MEASURED = 16;

/** Pixels of a picture that are looked at, about. */
const MAX_SAMPLES = 20_000;

/** Measures some pictures. @param count At least one. */
export async function measureImages(
  count: number,
  read: (index: number) => Promise<RasterImage>,
): Promise<ImageMeasures> {
  const sizes: Size[] = [];
  const sums: number[] = [];
  const squares: number[] = [];
  let pixels = 0;
  const indices = evenlySpacedIndices(count, MAX_MEASURED);
  for (const index of indices) {
    const { width, height, channels, data } = await read(index);
    sizes.push({ height, width });
    const step = Math.max(1, Math.floor(width * height / MAX_SAMPLES));
    for (let at = 0; at < width * height; at += step) {
      pixels++;
      for (let channel = 0; channel < channels; channel++) {
        const value = data[channels * at + channel] ?? 0;
        sums[channel] = (sums[channel] ?? 0) + value;
        squares[channel] = (squares[channel] ?? 0) + value * value;
      }
    }
  }
  const perChannel = (of: (sum: number, square: number) => number) =>
    sums.map((sum, c) => Math.round(10 * of(sum, squares[c] ?? 0)) / 10);
  const byArea = sizes.toSorted((a, b) => a.width * a.height - b.width * b.height);
  const distinct = new Map(byArea.map((size) => [`${size.width} ${size.height}`, size]));
  return {
    typical: byArea[byArea.length >> 1] ?? { height: 0, width: 0 },
    sizes: [...distinct.values()],
    mean: perChannel((sum) => sum / pixels),
    std: perChannel((sum, square) =>
      Math.max(1, Math.sqrt(Math.max(0, square / pixels - (sum / pixels) ** 2)))
    ),
    count: indices.length,
  };
}

/** Files whose format is looked at. */
const MAX_FORMATS = 4;

/**
 * The channels and bits that some images have: those of TIFFs and of PNGs of 16 bits, else
 * red, green and blue of 8 bits, as which pictures of other kinds are read.
 *
 * @throws {RangeError} If they differ.
 */
export async function pixelFormatOf(
  count: number,
  read: (index: number) => Promise<ImageFile>,
): Promise<PixelFormat> {
  let first: { readonly format: PixelFormat; readonly path: string } | null = null;
  for (const index of evenlySpacedIndices(count, MAX_FORMATS)) {
    const { bytes, path } = await read(index);
    const format = isTiff(bytes)
      ? formatOfTiff(bytes, path)
      : isPng(bytes)
      ? formatOfPng(bytes)
      : RGB_FORMAT;
    first ??= { format, path };
    if (describeFormat(format) === describeFormat(first.format)) continue;
    throw new RangeError(
      `Cannot use the images: "${first.path}" has ${describeFormat(first.format)} and ` +
        `"${path}" ${describeFormat(format)}: convert the ones to the form of the others`,
    );
  }
  return first?.format ?? RGB_FORMAT;
}

// Gray of 8 bits and RGB are pictures, with or without alpha.
function formatOfTiff(bytes: Uint8Array, path: string): PixelFormat {
  const { channels, bitDepth, isRgb, hasAlpha } = decodeTiff(bytes, path);
  const colors = channels - Number(hasAlpha);
  const isPicture = isRgb ? colors === 3 : colors === 1 && bitDepth === 8;
  return { channels: isPicture ? 3 : channels, bitDepth };
}

// Of 16 bits, half would be lost: a scan of 12 bits would be all but black.
function formatOfPng(bytes: Uint8Array): PixelFormat {
  try {
    const { bitDepth, channels } = readPngStructure(bytes);
    return bitDepth === 16 ? { channels: channels === 1 ? 1 : 3, bitDepth } : RGB_FORMAT;
  } catch {
    return RGB_FORMAT; // damaged: it is named when it is read
  }
}

/** Pairs of neighbors that are compared, and as many of pictures far apart. */
const COMPARED = 8;

/** Width of the pictures that are compared. */
const COMPARED_WIDTH = 32;

/** Frames of a film differ less than this share of what its other pictures differ. */
const FILM_RATIO = 0.6;

/** Names of frames are numbered, and there are some. */
const MIN_FRAMES = 12;

/**
 * Whether pictures are frames of videos: their names are numbered, and neighbors look more
 * alike than others do.
 */
export async function areFrames(
  names: readonly string[],
  read: (name: string) => Promise<RasterImage>,
): Promise<boolean> {
  const numbered = names.filter((name) => /\d/.test(name));
  if (names.length < MIN_FRAMES || numbered.length < names.length) return false;
  const ordered = [...Map.groupBy(byNumber(names), sequenceOf).values()].flat();
  const difference = async (a = "", b = "") => {
    const [first, second] = await Promise.all([a, b].map(async (name) => {
      const { data, ...rest } = await read(name);
      return createThumbnail({ ...rest, name, image: data, label: null }, COMPARED_WIDTH);
    }));
    if (first === undefined || second?.rgb.length !== first.rgb.length) return 255;
    const sum = first.rgb.reduce(
      (all, value, i) => all + Math.abs(value - (second.rgb[i] ?? 0)),
      0,
    );
    return sum / first.rgb.length;
  };
  let [near, far] = [0, 0];
  for (const i of evenlySpacedIndices(ordered.length - 1, COMPARED)) {
    const other = (i + Math.floor(ordered.length / 2)) % ordered.length;
    near += await difference(ordered[i], ordered[i + 1]);
    far += await difference(ordered[i], ordered[other]);
  }
  return near < FILM_RATIO * far;
}
