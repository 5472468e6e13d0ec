/** Images: JPEG, PNG and what else libvips reads, as 8-bit RGB. @module */

import { readFile } from "node:fs/promises";
import type { Size } from "../core/host_batch.ts";
import { errorReason, fileReadError } from "../io/file_errors.ts";

/** An image. */
export interface RgbImage extends Size {
  /** Red, green, blue in 0 … 255. [H, W, 3] */
  readonly data: Uint8Array;
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
 * Reads an image file: a JPEG, a PNG or what else libvips knows, as 8-bit RGB.
 *
 * @throws {Error} If there is no such file, or it may not be read.
 * @throws {SyntaxError} If it is no image or is cut short.
 */
export async function readImage(path: string): Promise<RgbImage> {
  const bytes = await readFile(path).catch((error) => {
    throw fileReadError(path, error);
  });
  return await decodeImage(bytes, path);
}

/**
 * Decodes an image. Gray becomes RGB, alpha is dropped, 16 bits become 8, an EXIF
 * orientation is applied and a color profile is ignored, all as OpenCV does.
 *
 * @param bytes The whole file.
 * @param name The file's name, for the message.
 * @throws {SyntaxError} If the bytes are no image or are cut short.
 */
export async function decodeImage(bytes: Uint8Array, name: string): Promise<RgbImage> {
  const sharp = await loadSharp();
  try {
    if (bytes.length === 0) throw new Error("the file is empty");
    const { data, info } = await sharp(bytes, { failOn: "warning", ignoreIcc: true })
      .autoOrient()
      .removeAlpha()
      .toColorspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    if (channels !== 3) throw new Error(`it has ${channels} channels`);
    return { width, height, data: asUint8Array(data) };
  } catch (error) {
    // libvips reports a line per step that failed; the first names the cause.
    const reason = errorReason(error).split("\n", 1)[0]?.replace(/[.:\s]+$/, "");
    throw new SyntaxError(
      `Cannot read "${name}" as an image: ${reason}: is the file complete?`,
    );
  }
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
