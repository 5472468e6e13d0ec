/** Images: JPEG and PNG, as 8-bit RGB. @module */

import type { Sharp } from "npm:sharp@0.35.5";
import type { Size } from "../core/host_batch.ts";
import { errorReason, fileReadError } from "../io/file_errors.ts";
import { readWholeFile } from "../io/read_whole_file.ts";
import {
  ASK_WHETHER_COMPLETE,
  describeForeignFile,
  isJpeg,
  isPng,
} from "./image_file.ts";
import { type JpegFile, readJpegStructure, withoutBytes } from "./jpeg.ts";
import { readPngStructure } from "./png.ts";

/** An image. */
export interface RgbImage extends Size {
  /** Red, green, blue in 0 … 255. [H, W, 3] */
  readonly data: Uint8Array;
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
 * Reads an image file, a JPEG or a PNG, as {@linkcode decodeImage} does.
 *
 * @throws {Error} If there is no such file, or it may not be read.
 * @throws {SyntaxError} If it is no image or is cut short.
 */
export async function readImage(path: string): Promise<RgbImage> {
  const bytes = await readWholeFile(path).catch((error) => {
    throw fileReadError(path, error);
  });
  return await decodeImage(bytes, path);
}

/**
 * Decodes a JPEG or a PNG to the values that OpenCV gives. Gray becomes RGB, CMYK becomes
 * RGB, alpha is dropped, 16 bits become 8, an EXIF orientation is applied, and color
 * profiles and gamma are ignored.
 *
 * Faults that cost no pixel are accepted, such as bytes between the segments of a JPEG.
 *
 * @param bytes The whole file.
 * @param name The file's name, for the message.
 * @throws {SyntaxError} If the bytes are no such image, are cut short, or stand for too many
 * pixels.
 */
export async function decodeImage(bytes: Uint8Array, name: string): Promise<RgbImage> {
  await loadSharp(); // what it throws is not about the file
  try {
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

/** Encodes an image as JPEG of the given quality (1 … 100). */
export async function encodeJpeg(image: RgbImage, quality = 92): Promise<Uint8Array> {
  const { width, height, data } = image;
  const sharp = await loadSharp();
  const pixels = sharp(data, { raw: { width, height, channels: 3 } });
  return asUint8Array(await pixels.jpeg({ quality }).toBuffer());
}

// The result is a Buffer of Node.js, whose methods differ from those of its class.
const asUint8Array = ({ buffer, byteOffset, length }: Uint8Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, length);
