/**
 * PNG files as they are stored: palette indices stay indices and 16-bit samples stay
 * 16-bit, which is what label maps need and what image libraries do away with.
 *
 * Source: W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", sections 5
 * (chunks), 7 (scan lines), 8 (interlacing) and 9 (filters).
 *
 * @module
 */

import { crc32, deflateSync, inflateSync } from "node:zlib";
import { errorReason } from "../io/file_errors.ts";

/** A PNG's samples. */
export interface PngImage {
  readonly width: number;
  readonly height: number;
  /** Samples per pixel: 1 gray or palette index, 2 gray and alpha, 3 RGB, 4 RGBA. */
  readonly channels: number;
  /** Bits per sample in the file; below 8 they are unpacked to one byte each. */
  readonly bitDepth: number;
  /** Row-major samples. [H, W, channels] */
  readonly data: Uint8Array | Uint16Array;
  /** The colors of the indices; null if the file has no palette. */
  readonly palette: readonly (readonly number[])[] | null;
}

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Channels and bit depths of each color type. */
const COLOR_TYPES: Readonly<
  Record<number, { readonly channels: number; readonly bitDepths: readonly number[] }>
> = {
  0: { channels: 1, bitDepths: [1, 2, 4, 8, 16] },
  2: { channels: 3, bitDepths: [8, 16] },
  3: { channels: 1, bitDepths: [1, 2, 4, 8] },
  4: { channels: 2, bitDepths: [8, 16] },
  6: { channels: 4, bitDepths: [8, 16] },
};
const PALETTE_TYPE = 3;

/** Every how many columns and rows a pass has a pixel, and in which it begins. */
interface Pass {
  readonly left: number;
  readonly top: number;
  readonly columnStep: number;
  readonly rowStep: number;
}

const WHOLE_IMAGE: Pass = { left: 0, top: 0, columnStep: 1, rowStep: 1 };

/** The seven passes of an interlaced file. */
const ADAM7: readonly Pass[] = [
  { left: 0, top: 0, columnStep: 8, rowStep: 8 },
  { left: 4, top: 0, columnStep: 8, rowStep: 8 },
  { left: 0, top: 4, columnStep: 4, rowStep: 8 },
  { left: 2, top: 0, columnStep: 4, rowStep: 4 },
  { left: 0, top: 2, columnStep: 2, rowStep: 4 },
  { left: 1, top: 0, columnStep: 2, rowStep: 2 },
  { left: 0, top: 1, columnStep: 1, rowStep: 2 },
];

/** Bytes that are inflated into one buffer, at most. */
const MAX_CHUNK_BYTES = 1 << 22;

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
    return readChunks(bytes);
  } catch (error) {
    throw new SyntaxError(
      `Cannot read "${name}" as a PNG: ${errorReason(error)}: is the file complete?`,
    );
  }
}

function readChunks(bytes: Uint8Array): PngImage {
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) {
    throw new Error("wrong PNG signature");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const packed: Uint8Array[] = [];
  let header: DataView | null = null;
  let palette: number[][] = [];
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
    else if (type === "IEND") return decodeSamples(header, packed, palette);
    at = end + 4;
  }
}

function decodeSamples(
  header: DataView,
  packed: readonly Uint8Array[],
  palette: number[][],
): PngImage {
  const [width, height] = [header.getUint32(0), header.getUint32(4)];
  const [bitDepth, type] = [header.getUint8(8), header.getUint8(9)];
  const interlacing = header.getUint8(12);
  const { channels, bitDepths } = COLOR_TYPES[type] ?? { channels: 0, bitDepths: [] };
  if (!bitDepths.includes(bitDepth)) {
    throw new Error(`there are no ${bitDepth} bits of color type ${type}`);
  }
  if (width === 0 || height === 0) throw new Error(`it is ${width}×${height}`);
  if (interlacing > 1) throw new Error(`its interlacing ${interlacing} is unknown`);

  const parts = (interlacing === 1 ? ADAM7 : [WHOLE_IMAGE])
    .map((pass) => {
      const columns = Math.ceil((width - pass.left) / pass.columnStep);
      const rows = Math.ceil((height - pass.top) / pass.rowStep);
      return {
        pass,
        columns,
        rows,
        rowBytes: Math.ceil(columns * channels * bitDepth / 8),
      };
    })
    .filter(({ columns, rows }) => columns > 0 && rows > 0); // a tiny image lacks passes
  const expectedBytes = parts
    .reduce((sum, { rows, rowBytes }) => sum + rows * (rowBytes + 1), 0);
  const filtered = inflateChunks(packed, expectedBytes);
  if (filtered.length !== expectedBytes) {
    throw new Error(`${filtered.length} bytes instead of ${expectedBytes}`);
  }
  const pixelBytes = Math.max(1, channels * bitDepth / 8);
  let from = 0;
  const decoded = parts.map(({ pass, columns, rows, rowBytes }) => {
    const end = from + rows * (rowBytes + 1);
    const bytes = unfilterRows(filtered.subarray(from, end), rowBytes, rows, pixelBytes);
    from = end;
    const samples = bitDepth === 16
      ? readBigEndian16(bytes)
      : bitDepth === 8
      ? bytes
      : unpackBits(bytes, columns, rows, bitDepth);
    return { pass, columns, samples };
  });
  return {
    width,
    height,
    channels,
    bitDepth,
    data: mergePasses(decoded, width, height, channels),
    palette: type === PALETTE_TYPE ? palette : null,
  };
}

function inflateChunks(packed: readonly Uint8Array[], maxBytes: number): Uint8Array {
  const [first] = packed;
  if (first === undefined) throw new Error("it has no pixels");
  const deflated = packed.length === 1 ? first : concatBytes(packed);
  // A small file may claim to be enormous: no more is inflated than its header says.
  // One buffer of that size: by default, a tiny label leaves 16 kB to be collected.
  const chunkSize = Math.max(64, Math.min(maxBytes, MAX_CHUNK_BYTES));
  return inflateSync(deflated, { maxOutputLength: maxBytes, chunkSize });
}

function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Undoes the filter of each row; `pixelBytes` is the distance to the pixel at the left. */
function unfilterRows(
  filtered: Uint8Array,
  rowBytes: number,
  rows: number,
  pixelBytes: number,
): Uint8Array {
  const data = new Uint8Array(rowBytes * rows);
  for (let y = 0; y < rows; y++) {
    const from = y * (rowBytes + 1);
    const to = y * rowBytes;
    const up = y === 0 ? -1 : to - rowBytes;
    const filter = filtered[from] ?? 0;
    if (filter > 4) throw new Error(`row ${y} has the unknown filter ${filter}`);
    if (filter === 0) {
      data.set(filtered.subarray(from + 1, from + 1 + rowBytes), to);
      continue;
    }
    for (let i = 0; i < rowBytes; i++) {
      const value = filtered[from + 1 + i] ?? 0;
      const a = i < pixelBytes ? 0 : data[to + i - pixelBytes] ?? 0;
      const b = up < 0 ? 0 : data[up + i] ?? 0;
      if (filter === 1) data[to + i] = value + a;
      else if (filter === 2) data[to + i] = value + b;
      else if (filter === 3) data[to + i] = value + ((a + b) >> 1);
      else {
        const corner = up < 0 || i < pixelBytes ? 0 : data[up + i - pixelBytes] ?? 0;
        data[to + i] = value + paethPredictor(a, b, corner);
      }
    }
  }
  return data;
}

/** Paeth's predictor: the neighbor nearest to left + above − above left. */
function paethPredictor(left: number, above: number, corner: number): number {
  const [a, b] = [Math.abs(above - corner), Math.abs(left - corner)];
  const c = Math.abs(left + above - 2 * corner);
  return a <= b && a <= c ? left : b <= c ? above : corner;
}

function readBigEndian16(bytes: Uint8Array): Uint16Array {
  const values = new Uint16Array(bytes.length / 2);
  for (let i = 0; i < values.length; i++) {
    values[i] = ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0);
  }
  return values;
}

// One byte per sample. Rows start at whole bytes; the first sample sits in the high bits.
function unpackBits(
  packed: Uint8Array,
  columns: number,
  rows: number,
  bitDepth: number,
): Uint8Array {
  const rowBytes = packed.length / rows;
  const perByte = 8 / bitDepth;
  const mask = (1 << bitDepth) - 1;
  const samples = new Uint8Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < columns; i++) {
      const byte = packed[row * rowBytes + Math.floor(i / perByte)] ?? 0;
      samples[row * columns + i] = byte >> (8 - bitDepth * (i % perByte + 1)) & mask;
    }
  }
  return samples;
}

interface DecodedPass {
  readonly pass: Pass;
  readonly columns: number;
  readonly samples: Uint8Array | Uint16Array;
}

// Puts the pixels of all passes where they belong.
function mergePasses(
  decoded: readonly DecodedPass[],
  width: number,
  height: number,
  channels: number,
): Uint8Array | Uint16Array {
  const [first] = decoded;
  if (first?.pass === WHOLE_IMAGE) return first.samples;
  const length = width * height * channels;
  const whole = first?.samples instanceof Uint16Array
    ? new Uint16Array(length)
    : new Uint8Array(length);
  for (const { pass: { left, top, columnStep, rowStep }, columns, samples } of decoded) {
    for (let at = 0; at < samples.length; at++) {
      const pixel = Math.floor(at / channels);
      const row = top + rowStep * Math.floor(pixel / columns);
      const column = left + columnStep * (pixel % columns);
      whole[(row * width + column) * channels + at % channels] = samples[at] ?? 0;
    }
  }
  return whole;
}

/**
 * Writes a PNG with 8 bits per sample.
 *
 * @param image With `channels` 1, 3 or 4. A `palette` of RGB colors makes the one channel
 *   of `data` indices into it.
 * @returns The file's bytes.
 * @throws {RangeError} If `data` does not fill the size.
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
  if (data.length !== width * height * channels) {
    throw new RangeError(
      `Cannot encode a PNG: ${data.length} samples are not ${width}×${height}×${channels}`,
    );
  }
  const type = palette ? PALETTE_TYPE : channels === 1 ? 0 : channels === 3 ? 2 : 6;
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, type], 8);
  const rowBytes = width * channels;
  const rows = new Uint8Array((rowBytes + 1) * height); // each begins with filter 0
  for (let y = 0; y < height; y++) {
    rows.set(data.subarray(y * rowBytes, (y + 1) * rowBytes), y * (rowBytes + 1) + 1);
  }
  return concatBytes([
    Uint8Array.from(SIGNATURE),
    ...chunk("IHDR", header),
    ...(palette ? chunk("PLTE", Uint8Array.from(palette.flat())) : []),
    ...chunk("IDAT", deflateSync(rows)),
    ...chunk("IEND", new Uint8Array()),
  ]);
}

function chunk(type: string, body: Uint8Array): Uint8Array[] {
  const content = concatBytes([new TextEncoder().encode(type), body]);
  const frame = new DataView(new ArrayBuffer(8));
  frame.setUint32(0, body.length);
  frame.setUint32(4, crc32(content));
  const bytes = new Uint8Array(frame.buffer);
  return [bytes.subarray(0, 4), content, bytes.subarray(4)];
}
