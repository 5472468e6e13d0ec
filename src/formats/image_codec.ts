/** Images: JPEG, PNG and TIFF, as 8-bit RGB or as the channels that they hold. @module */

import type { Sharp } from "npm:sharp@0.35.5";
import {
  isRgbFormat,
  type PixelFormat,
  type Pixels,
  RGB_FORMAT,
  type Size,
} from "../core/host_batch.ts";
import { errorReason, fileReadError } from "../io/file_errors.ts";
import { readWholeFile } from "../io/read_whole_file.ts";
import {
  ASK_WHETHER_COMPLETE,
  describeForeignFile,
  isJpeg,
  isPng,
  isTiff,
} from "./image_file.ts";
import { type JpegFile, readJpegStructure, withoutBytes } from "./jpeg.ts";
import { decodeSamples, readPngStructure } from "./png.ts";
import { readTiff, type TiffImage } from "./tiff.ts";

/** An image. */
export interface RgbImage extends Size {
  /** Red, green, blue in 0 … 255. [H, W, 3] */
  readonly data: Uint8Array;
  /** The EXIF orientation, 2 … 8, by which the stored pixels were turned. */
  readonly orientation?: number;
}

/** An image of any number of channels. */
export interface RasterImage extends Size {
  /** C */
  readonly channels: number;
  /** In 0 … 255, or 0 … 65535. [H, W, C] */
  readonly data: Pixels;
  /** The EXIF orientation, 2 … 8, by which the stored pixels were turned. */
  readonly orientation?: number;
}

// Loaded for the first image: programs that read none need no permissions for it.
const loadSharp = once(async () => {
  const { default: sharp } = await import("npm:sharp@0.35.5").catch((cause) => {
    const message = "Cannot load the library that reads images: run with --allow-ffi";
    throw new Error(message, { cause });
  });
  // Files are read once each, so a cache of decoded files only takes memory; and the loader
  // works on several files at a time, so threads within one file only get in the way.
  sharp.cache(false);
  sharp.concurrency(1);
  return sharp;
});

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => made ??= make();
}

// Not `toUint8Array`: sharp 0.35.5 never frees what that copies, one image a call. The
// memory behind `toBuffer` is freed with it, but a worker must not end amid a decoding.

/**
 * Reads an image file, a JPEG, a PNG or a TIFF, as {@linkcode decodeImage} does.
 *
 * @throws {Error} If there is no such file, or it may not be read.
 * @throws {SyntaxError} If it is no image or is cut short.
 */
export async function readImage(path: string): Promise<RgbImage> {
  return await decodeImage(await readImageFile(path), path);
}

/**
 * Reads an image file as {@linkcode decodeRaster} does.
 *
 * @throws {Error} If there is no such file, or it may not be read.
 * @throws {SyntaxError} If it is no image of that format or is cut short.
 */
export async function readRaster(
  path: string,
  format: PixelFormat,
): Promise<RasterImage> {
  return await decodeRaster(await readImageFile(path), path, format);
}

const readImageFile = (path: string): Promise<Uint8Array> =>
  readWholeFile(path).catch((error) => {
    throw fileReadError(path, error);
  });

/**
 * Decodes an image to a number of channels and bits.
 *
 * With three channels, gray becomes RGB and alpha is dropped, and with 8 bits the values
 * are those of {@linkcode decodeImage}. All other values are those of the file: alpha is a
 * channel like others, and nothing is scaled, premultiplied or converted by a profile.
 *
 * @param bytes The whole file.
 * @param name The file's name, for the message.
 * @throws {SyntaxError} If the bytes are no such image, are cut short, stand for too many
 * pixels, or hold another number of channels or bits.
 */
export async function decodeRaster(
  bytes: Uint8Array,
  name: string,
  format: PixelFormat,
): Promise<RasterImage> {
  if (isRgbFormat(format)) return { ...await decodeImage(bytes, name), channels: 3 };
  if (isJpeg(bytes)) await loadSharp(); // what it throws is not about the file
  try {
    const stored = isTiff(bytes)
      ? readTiff(bytes)
      : isPng(bytes)
      ? pngSamples(bytes)
      : await jpegSamples(bytes);
    const { channels } = format;
    const data = fitPixels(stored, format);
    return turnRaster({ ...sizeOf(stored), channels, data }, stored.orientation);
  } catch (error) {
    throw new SyntaxError(`Cannot read "${name}" as an image: ${errorReason(error)}`);
  }
}

/** An image as its file has it. */
type StoredImage = TiffImage;

function pngSamples(bytes: Uint8Array): StoredImage {
  const structure = readPngStructure(bytes);
  if (structure.palette !== null) {
    throw new Error("its pixels are indices of a palette: convert it to gray or RGB");
  }
  const { orientation } = structure;
  const { width, height, channels, bitDepth, data } = decodeSamples(structure);
  const [isRgb, hasAlpha] = [channels >= 3, channels % 2 === 0];
  const kind = { width, height, channels, isRgb, hasAlpha, orientation };
  if (bitDepth === 16) return { ...kind, bitDepth, data };
  const most = 2 ** bitDepth - 1; // 1, 2 and 4 bits are scaled, as by all programs
  const bytesOfData = data.map((value) => value * 255 / most);
  return { ...kind, bitDepth: 8, data: bitDepth === 8 ? data : bytesOfData };
}

async function jpegSamples(bytes: Uint8Array): Promise<StoredImage> {
  if (!isJpeg(bytes)) throw new Error(describeForeignFile(bytes));
  const file = readJpegStructure(bytes);
  const isGray = file.components === 1;
  const asStored = { ...file, orientation: 1 };
  const { width, height, data } = await decodeJpeg(asStored);
  return {
    width,
    height,
    ...(isGray
      ? { channels: 1, data: data.filter((_, i) => i % 3 === 0) }
      : { channels: 3, data }),
    bitDepth: 8,
    isRgb: !isGray,
    hasAlpha: false,
    orientation: file.orientation,
  };
}

/** @throws {Error} If the channels or bits are others; names the key of a configuration. */
function fitPixels(
  { channels, bitDepth, isRgb, hasAlpha, data }: StoredImage,
  format: PixelFormat,
): Pixels {
  const colors = hasAlpha ? channels - 1 : channels;
  const becomesRgb = format.channels === 3 && (colors === 1 || (isRgb && colors === 3));
  if (channels !== format.channels && !becomesRgb) {
    throw new Error(
      `it has ${channels} ${channels === 1 ? "channel" : "channels"}${
        hasAlpha ? " with alpha" : ""
      }, and "data.channels" is ${format.channels}: convert it, or train with "data.channels" of ${channels}`,
    );
  }
  if (bitDepth !== format.bitDepth) {
    throw new Error(
      `its values have ${bitDepth} bits, and "data.bitDepth" is ${format.bitDepth}: ` +
        `convert it, or train with "data.bitDepth" of ${bitDepth}`,
    );
  }
  if (channels === format.channels) return data;
  const length = 3 * data.length / channels;
  const rgb = bitDepth === 8 ? new Uint8Array(length) : new Uint16Array(length);
  for (let i = 0; i < length; i++) {
    const pixel = channels * Math.floor(i / 3);
    rgb[i] = data[colors === 1 ? pixel : pixel + i % 3] ?? 0;
  }
  return rgb;
}

/** 16 bits become 8 as OpenCV has it: gray loses the low ones, and colors are rounded. */
function withBytes(stored: StoredImage): StoredImage {
  const { bitDepth, isRgb, data } = stored;
  if (bitDepth === 8) return stored;
  const toByte = (value: number) => isRgb ? (value + 128) / 257 : value >> 8;
  return { ...stored, bitDepth: 8, data: Uint8Array.from(data, toByte) };
}

/**
 * Decodes a JPEG, a PNG or a TIFF to the values that OpenCV gives. Gray becomes RGB, CMYK
 * of a JPEG becomes RGB, alpha is dropped, 16 bits become 8, an EXIF orientation is
 * applied, and color profiles and gamma are ignored.
 *
 * Faults that cost no pixel are accepted, such as bytes between the segments of a JPEG.
 *
 * @param bytes The whole file.
 * @param name The file's name, for the message.
 * @throws {SyntaxError} If the bytes are no such image, are cut short, or stand for too many
 * pixels.
 */
export async function decodeImage(bytes: Uint8Array, name: string): Promise<RgbImage> {
  if (!isTiff(bytes)) await loadSharp(); // what it throws is not about the file
  try {
    if (isTiff(bytes)) {
      const stored = withBytes(readTiff(bytes));
      const data = asUint8Array(fitPixels(stored, RGB_FORMAT));
      return await turn({ ...sizeOf(stored), data }, stored.orientation);
    }
    if (!isPng(bytes) && !isJpeg(bytes)) throw new Error(describeForeignFile(bytes));
    if (!isPng(bytes)) return await decodeJpeg(readJpegStructure(bytes));
    const { orientation, bytes: intact } = readPngStructure(bytes);
    return await turn(await decodeRgb(intact), orientation);
  } catch (error) {
    throw new SyntaxError(`Cannot read "${name}" as an image: ${errorReason(error)}`);
  }
}

async function decodeJpeg(file: JpegFile): Promise<RgbImage> {
  const { width, height, orientation, components } = file;
  const decode = components === 4 ? decodeCmyk : decodeRgb;
  const { data } = await decodeDespiteStrayBytes(file, decode, {
    attempts: MAX_ATTEMPTS,
  });
  return await turn(
    { width, height, data: data.subarray(0, 3 * width * height) },
    orientation,
  );
}

/** What libjpeg says about bytes that it has skipped in front of a marker. */
const STRAY_BYTES = /(\d+) extraneous bytes before marker 0x([0-9a-f]{2})/;

/** A file of ten scans with bytes behind three of them takes some twenty. */
const MAX_ATTEMPTS = 64;

// Where the data of a scan end, only decoding shows. It reports what it finds in the order of
// the file, but not the place: each end of a scan that the report fits is tried.
async function decodeDespiteStrayBytes(
  { bytes, scanEnds }: Pick<JpegFile, "bytes" | "scanEnds">,
  decode: (bytes: Uint8Array) => Promise<RgbImage>,
  budget: { attempts: number },
): Promise<RgbImage> {
  try {
    return await decode(bytes);
  } catch (error) {
    const [, digits = "0", marker = ""] = STRAY_BYTES.exec(errorReason(error)) ?? [];
    const count = Number(digits);
    for (const [i, { code, at }] of scanEnds.entries()) {
      if (code !== parseInt(marker, 16) || count > at || budget.attempts-- <= 0) continue;
      const rest = {
        bytes: withoutBytes(bytes, at - count, at),
        scanEnds: scanEnds.slice(i + 1).map((end) => ({ ...end, at: end.at - count })),
      };
      const repaired = await decodeDespiteStrayBytes(rest, decode, budget).catch(() =>
        null
      );
      if (repaired !== null) return repaired;
    }
    throw error;
  }
}

async function decodeRgb(bytes: Uint8Array): Promise<RgbImage> {
  return await decodeRaw(bytes, 3, (image) => image.removeAlpha().toColorspace("srgb"));
}

// Files hold inverted inks, which libvips turns over. This is OpenCV's formula of whole
// numbers, the product of what an ink and black let through.
async function decodeCmyk(bytes: Uint8Array): Promise<RgbImage> {
  const { width, height, data: inks } = await decodeRaw(
    bytes,
    4,
    (image) => image.pipelineColorspace("cmyk").toColorspace("cmyk"),
  );
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < data.length; i++) {
    const pixel = 4 * Math.floor(i / 3);
    const [ink, black] = [inks[pixel + i % 3] ?? 0, inks[pixel + 3] ?? 0];
    const light = 255 - black;
    data[i] = light - (ink * light >> 8);
  }
  return { width, height, data };
}

async function decodeRaw(
  bytes: Uint8Array,
  expectedChannels: number,
  convert: (image: Sharp) => Sharp,
): Promise<RgbImage> {
  const sharp = await loadSharp();
  const image = sharp(bytes, {
    failOn: "warning",
    ignoreIcc: true,
    limitInputPixels: false, // limited by their structures
  });
  try {
    const { data, info: { width, height, channels } } = await convert(image)
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    if (channels !== expectedChannels) throw new Error(`it has ${channels} channels`);
    return { width, height, data: asUint8Array(data) };
  } catch (error) {
    // libvips reports a line per step that failed; the first names the cause at its end.
    const [line = ""] = errorReason(error).split("\n", 1);
    const reason = line.replace(/^.*[Vv]ips\w+: |[.:\s]+$/g, "");
    throw new Error(`${reason}: ${ASK_WHETHER_COMPLETE}`);
  }
}

/** What each orientation of EXIF asks for: to mirror left to right, then to turn right. */
const TURNS: Readonly<Record<number, readonly [isMirrored: boolean, degrees: number]>> = {
  2: [true, 0],
  3: [false, 180],
  4: [true, 180],
  5: [true, 270],
  6: [false, 90],
  7: [true, 90],
  8: [false, 270],
};

async function turn(stored: RgbImage, orientation: number): Promise<RgbImage> {
  const [isMirrored, degrees] = TURNS[orientation] ?? [false, 0];
  if (!isMirrored && degrees === 0) return stored;
  const { width, height, data } = stored;
  const sharp = await loadSharp();
  const turned = await sharp(data, { raw: { width, height, channels: 3 } })
    .flop(isMirrored)
    .rotate(degrees)
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { info } = turned;
  return {
    width: info.width,
    height: info.height,
    data: asUint8Array(turned.data),
    orientation,
  };
}

// As `turn`, in plain loops: the library takes four channels at most.
function turnRaster(stored: RasterImage, orientation: number): RasterImage {
  const [isMirrored, degrees] = TURNS[orientation] ?? [false, 0];
  if (!isMirrored && degrees === 0) return stored;
  const { width, height, channels, data } = stored;
  const isOnItsSide = degrees % 180 !== 0;
  const size = isOnItsSide ? { width: height, height: width } : { width, height };
  const placeOf = (x: number, y: number) => {
    const column = isMirrored ? width - 1 - x : x;
    if (degrees === 0) return y * size.width + column;
    if (degrees === 90) return column * size.width + height - 1 - y;
    if (degrees === 180) return (height - 1 - y) * size.width + width - 1 - column;
    return (width - 1 - column) * size.width + y;
  };
  const origin = placeOf(0, 0);
  const [right, down] = [placeOf(1, 0) - origin, placeOf(0, 1) - origin];
  const turned = data.slice();
  let from = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const to = (origin + x * right + y * down) * channels;
      for (let c = 0; c < channels; c++) turned[to + c] = data[from++] ?? 0;
    }
  }
  return { ...size, channels, data: turned, orientation };
}

/** Encodes an image as JPEG of the given quality (1 … 100). */
export async function encodeJpeg(image: RgbImage, quality = 92): Promise<Uint8Array> {
  const { width, height, data } = image;
  const sharp = await loadSharp();
  const pixels = sharp(data, { raw: { width, height, channels: 3 } });
  return asUint8Array(await pixels.jpeg({ quality }).toBuffer());
}

const sizeOf = ({ width, height }: Size): Size => ({ width, height });

// The result is a Buffer of Node.js, whose methods differ from those of its class.
const asUint8Array = ({ buffer, byteOffset, byteLength }: Pixels): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
