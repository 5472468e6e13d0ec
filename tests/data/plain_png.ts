/** PNGs of any depth and color type, written by hand: what the library cannot write. @module */

import { Buffer } from "node:buffer";
import { crc32, deflateSync } from "node:zlib";

/** Color types of PNG. */
export const GRAY = 0;
export const RGB = 2;
export const PALETTE = 3;

function chunk(type: string, body: Uint8Array): Uint8Array {
  const bytes = Buffer.concat([
    Buffer.alloc(4),
    Buffer.from(type),
    body,
    Buffer.alloc(4),
  ]);
  bytes.writeUInt32BE(body.length, 0);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + body.length)), 8 + body.length);
  return bytes;
}

/**
 * Writes a PNG without filters.
 *
 * @param sample The value of sample `channel` of pixel `i`.
 */
export function plainPng(
  width: number,
  height: number,
  colorType: number,
  depth: 8 | 16,
  sample: (i: number, channel: number) => number,
): Uint8Array {
  const channels = colorType === RGB ? 3 : 1;
  const bytes = depth / 8;
  const row = 1 + width * channels * bytes;
  const raw = Buffer.alloc(row * height);
  for (let i = 0; i < width * height; i++) {
    for (let channel = 0; channel < channels; channel++) {
      const at = Math.floor(i / width) * row + 1 +
        ((i % width) * channels + channel) * bytes;
      raw.writeUIntBE(sample(i, channel), at, bytes);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colorType, 0, 0, 0], 8);
  const palette = colorType === PALETTE
    ? [chunk("PLTE", Uint8Array.from({ length: 768 }, (_, i) => i % 251))]
    : [];
  return new Uint8Array(Buffer.concat([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", header),
    ...palette,
    chunk("IDAT", deflateSync(raw)),
    chunk("IEND", new Uint8Array()),
  ]));
}
