/**
 * The samples of a PNG, inflated by the platform: several times as fast as in JavaScript.
 *
 * Source: W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", sections 5
 * (chunks), 7 (scan lines) and 9 (filters).
 *
 * @module
 */

import { crc32, inflateSync } from "node:zlib";

/** A PNG's samples as they are stored. */
export interface PngSamples {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** Bits per sample. */
  readonly depth: number;
  /** Rows without filters; samples of fewer than 8 bits are packed, rows start at bytes. */
  readonly data: Uint8Array | Uint16Array;
  /** RGB of the indices; null if there is none. */
  readonly palette: number[][] | null;
}

/** Bytes that are inflated into one buffer, at most. */
const MOST_AT_ONCE = 1 << 22;

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Channels of each colour type. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** Depths of each colour type. */
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

/**
 * Reads a PNG that is not interlaced.
 *
 * @returns Null if it is interlaced.
 * @throws {Error} If the bytes are no PNG, are cut short or fail a checksum.
 */
export function readPngSamples(bytes: Uint8Array): PngSamples | null {
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) {
    throw new Error("wrong PNG signature");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const packed: Uint8Array[] = [];
  let header: DataView | null = null;
  let palette: number[][] | null = null;
  for (let at = 8;;) {
    if (at + 12 > bytes.length) throw new Error("the file ends early");
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const end = at + 8 + length;
    if (end + 4 > bytes.length) throw new Error(`the file ends in its ${type} chunk`);
    if (crc32(bytes.subarray(at + 4, end)) !== view.getUint32(end)) {
      throw new Error(`the checksum of its ${type} chunk does not fit`);
    }
    const body = bytes.subarray(at + 8, end);
    if (header === null) {
      if (type !== "IHDR" || length !== 13) throw new Error("it has no header");
      header = new DataView(body.buffer, body.byteOffset, length);
    } else if (type === "PLTE") {
      palette = Array.from(
        { length: Math.floor(length / 3) },
        (_, i) => [...body.subarray(3 * i, 3 * i + 3)],
      );
    } else if (type === "IDAT") packed.push(body);
    else if (type === "IEND") return samplesOf(header, packed, palette);
    at = end + 4;
  }
}

function samplesOf(
  header: DataView,
  packed: readonly Uint8Array[],
  palette: number[][] | null,
): PngSamples | null {
  const [width, height] = [header.getUint32(0), header.getUint32(4)];
  const [depth, type] = [header.getUint8(8), header.getUint8(9)];
  const channels = CHANNELS[type];
  if (channels === undefined || !DEPTHS[type]?.includes(depth)) {
    throw new Error(`there are no ${depth} bits of colour type ${type}`);
  }
  if (width === 0 || height === 0) throw new Error(`it is ${width}×${height}`);
  if (header.getUint8(12) !== 0) return null;
  const row = Math.ceil(width * channels * depth / 8);
  const wanted = (row + 1) * height;
  const raw = inflate(packed, wanted);
  if (raw.length !== wanted) throw new Error(`${raw.length} bytes instead of ${wanted}`);
  const step = Math.max(1, channels * depth / 8);
  const data = withoutFilters(raw, row, height, step);
  return {
    width,
    height,
    channels,
    depth,
    data: depth === 16 ? bigEndian(data) : data,
    palette: type === 3 ? palette ?? [] : null,
  };
}

function inflate(packed: readonly Uint8Array[], most: number): Uint8Array {
  const [first] = packed;
  if (first === undefined) throw new Error("it has no pixels");
  const whole = packed.length === 1 ? first : joined(packed);
  // A small file may claim to be enormous: no more is inflated than its header says.
  // One buffer of that size: by default, a tiny label leaves 16 kB to be collected.
  const chunkSize = Math.max(64, Math.min(most, MOST_AT_ONCE));
  return inflateSync(whole, { maxOutputLength: most, chunkSize });
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Undoes the filter of each row; `step` is the distance to the pixel at the left. */
function withoutFilters(
  raw: Uint8Array,
  row: number,
  height: number,
  step: number,
): Uint8Array {
  const data = new Uint8Array(row * height);
  for (let y = 0; y < height; y++) {
    const from = y * (row + 1);
    const to = y * row;
    const up = y === 0 ? -1 : to - row;
    const filter = raw[from];
    if (filter === 0) {
      data.set(raw.subarray(from + 1, from + 1 + row), to);
      continue;
    }
    for (let i = 0; i < row; i++) {
      const value = raw[from + 1 + i] ?? 0;
      const a = i < step ? 0 : data[to + i - step] ?? 0;
      const b = up < 0 ? 0 : data[up + i] ?? 0;
      switch (filter) {
        case 1:
          data[to + i] = value + a;
          break;
        case 2:
          data[to + i] = value + b;
          break;
        case 3:
          data[to + i] = value + ((a + b) >> 1);
          break;
        case 4:
          data[to + i] = value +
            nearestOf(a, b, up < 0 || i < step ? 0 : data[up + i - step] ?? 0);
          break;
        default:
          throw new Error(`row ${y} has the unknown filter ${filter}`);
      }
    }
  }
  return data;
}

/** Paeth's predictor: the neighbour nearest to left + above − above left. */
function nearestOf(left: number, above: number, corner: number): number {
  const [a, b] = [Math.abs(above - corner), Math.abs(left - corner)];
  const c = Math.abs(left + above - 2 * corner);
  return a <= b && a <= c ? left : b <= c ? above : corner;
}

function bigEndian(bytes: Uint8Array): Uint16Array {
  const values = new Uint16Array(bytes.length / 2);
  for (let i = 0; i < values.length; i++) {
    values[i] = ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0);
  }
  return values;
}
