/**
 * PNG files as they are stored: palette indices stay indices and 16-bit samples stay
 * 16-bit, which is what label maps need and what picture libraries do away with.
 *
 * @module
 */

import { decode, encode } from "npm:fast-png@8.0.0";
import { readPngSamples } from "./png_samples.ts";

/** A PNG's samples. */
export interface PngImage {
  readonly width: number;
  readonly height: number;
  /** Samples per pixel: 1 grey or palette index, 2 grey and alpha, 3 RGB, 4 RGBA. */
  readonly channels: number;
  /** Bits per sample in the file; below 8 they are unpacked to one byte each. */
  readonly depth: number;
  /** Row-major samples. [H, W, channels] */
  readonly data: Uint8Array | Uint16Array;
  /** The colours of the indices; null if the file has no palette. */
  readonly palette: readonly (readonly number[])[] | null;
}

/**
 * Reads a PNG.
 *
 * @param bytes The whole file.
 * @param name The file's name, for the message.
 * @throws {SyntaxError} If the bytes are no PNG, are cut short or fail a checksum.
 */
export function decodePng(bytes: Uint8Array, name: string): PngImage {
  try {
    if (bytes.length === 0) throw new Error("the file is empty");
    // The library knows interlaced files too.
    const png = readPngSamples(bytes) ?? decode(bytes, { checkCrc: true });
    const { width, height, channels, depth } = png;
    const data = depth < 8 ? unpack(png.data, width * channels, height, depth) : png.data;
    if (data.length !== width * height * channels) {
      throw new Error(
        `${data.length} samples instead of ${width}×${height}×${channels}`,
      );
    }
    return {
      width,
      height,
      channels,
      depth,
      data: data instanceof Uint16Array
        ? data
        : new Uint8Array(data.buffer, data.byteOffset, data.length),
      palette: png.palette ?? null,
    };
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error))
      .replace(/[.:\s]+$/, "");
    throw new SyntaxError(
      `Cannot read "${name}" as a PNG: ${reason}: is the file complete?`,
    );
  }
}

/**
 * Writes a PNG with 8 bits per sample.
 *
 * @param image With `channels` 1, 3 or 4. A `palette` of RGB colours makes the one channel
 *   of `data` indices into it.
 * @returns The file's bytes.
 */
export function encodePng(
  image: {
    readonly width: number;
    readonly height: number;
    readonly channels: number;
    readonly data: Uint8Array;
    readonly palette?: readonly (readonly [number, number, number])[];
  },
): Uint8Array {
  const { width, height, channels, data, palette } = image;
  return encode({
    width,
    height,
    channels,
    data,
    depth: 8,
    ...(palette === undefined ? {} : { palette: palette.map((color) => [...color]) }),
  });
}

// One byte per sample. Rows start at whole bytes; the first sample sits in the high bits.
function unpack(
  packed: ArrayLike<number>,
  rowSamples: number,
  rows: number,
  depth: number,
): Uint8Array {
  const stride = Math.ceil(rowSamples * depth / 8);
  if (packed.length !== stride * rows) {
    throw new Error(`${packed.length} bytes of samples instead of ${stride * rows}`);
  }
  const perByte = 8 / depth;
  const mask = (1 << depth) - 1;
  const samples = new Uint8Array(rowSamples * rows);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < rowSamples; i++) {
      const byte = packed[row * stride + Math.floor(i / perByte)] ?? 0;
      samples[row * rowSamples + i] = byte >> (8 - depth * (i % perByte + 1)) & mask;
    }
  }
  return samples;
}
