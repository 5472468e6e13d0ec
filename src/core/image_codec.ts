/** Pictures: JPEG, PNG and what else libvips reads, as 8-bit RGB. @module */

import sharp from "npm:sharp@0.35.5";

// Files are read once each, so a cache of decoded files only takes memory; and the loader
// works on several files at a time, so threads within one file only get in the way.
sharp.cache(false);
sharp.concurrency(1);

// Not `toUint8Array`: sharp 0.35.5 never frees what that copies, one picture a call. The
// memory behind `toBuffer` is freed with it, but a worker must not end amid a decoding.

/** A picture. */
export interface RgbImage {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** Red, green, blue in 0 … 255. [H, W, 3] */
  readonly data: Uint8Array;
}

/**
 * Decodes a picture. Grey becomes RGB, alpha is dropped, 16 bits become 8, an EXIF
 * orientation is applied and a colour profile is ignored, all as OpenCV does.
 *
 * @param bytes The whole file.
 * @param name The file's name, for the message.
 * @throws {SyntaxError} If the bytes are no picture or are cut short.
 */
export async function decodeImage(bytes: Uint8Array, name: string): Promise<RgbImage> {
  try {
    if (bytes.length === 0) throw new Error("the file is empty");
    const { data, info } = await sharp(bytes, { failOn: "warning", ignoreIcc: true })
      .autoOrient()
      .removeAlpha()
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    if (channels !== 3) throw new Error(`it has ${channels} channels`);
    return { width, height, data: plain(data) };
  } catch (error) {
    throw unreadable(name, error);
  }
}

/**
 * The size of a picture, as {@linkcode decodeImage} would return it, read from its head.
 *
 * @throws {SyntaxError} If the bytes are no picture.
 */
export async function imageSize(
  bytes: Uint8Array,
  name: string,
): Promise<{ width: number; height: number }> {
  try {
    const { autoOrient } = await sharp(bytes).metadata();
    return { width: autoOrient.width, height: autoOrient.height };
  } catch (error) {
    throw unreadable(name, error);
  }
}

/** Encodes a picture as JPEG of the given quality (1 … 100). */
export async function encodeJpeg(image: RgbImage, quality = 92): Promise<Uint8Array> {
  const { width, height, data } = image;
  return plain(
    await sharp(data, { raw: { width, height, channels: 3 } }).jpeg({ quality })
      .toBuffer(),
  );
}

// The result is a Buffer of Node.js, whose methods differ from those of its class.
const plain = ({ buffer, byteOffset, length }: Uint8Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, length);

function unreadable(name: string, error: unknown): SyntaxError {
  // libvips reports several lines, each a step further from the cause.
  const reason = (error instanceof Error ? error.message : String(error))
    .split("\n", 1)[0]?.replace(/[.:\s]+$/, "");
  return new SyntaxError(
    `Cannot read "${name}" as an image: ${reason}: is the file complete?`,
  );
}
