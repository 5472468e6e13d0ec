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
import { concatBytes } from "../core/host_tensor.ts";
import { errorReason } from "../io/file_errors.ts";
import { readExifOrientation } from "./exif.ts";
import {
  ASK_WHETHER_COMPLETE,
  assertPixelCount,
  describeForeignFile,
  isPng,
  PNG_SIGNATURE,
} from "./image_file.ts";
import { decodeLatin1 } from "./latin1.ts";

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

/** A pass of one image. */
interface PassSize {
  readonly pass: Pass;
  readonly columns: number;
  readonly rows: number;
  /** Of one row, without its filter. */
  readonly rowBytes: number;
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

/** The most bytes of pixels, before they are put together: those of a large RGBA picture. */
const MAX_PIXEL_BYTES = 1 << 30;

/** Deflate makes no more bytes of one. */
const MAX_INFLATION = 1032;

/** Bytes that are inflated into one buffer, at most. */
const MAX_CHUNK_BYTES = 1 << 22;

/** A PNG's chunks, as far as they matter. */
interface PngStructure {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly bitDepth: number;
  readonly passes: readonly PassSize[];
  /** Of the pixels when they are inflated. */
  readonly byteLength: number;
  /** The colors of the indices; null if its pixels are none. */
  readonly palette: readonly (readonly number[])[] | null;
  /** How its EXIF wants the pixels turned: 1, as they are, … 8. */
  readonly orientation: number;
  /** The compressed pixels, in pieces. */
  readonly packed: readonly Uint8Array[];
  /** The file without damaged chunks. */
  readonly bytes: Uint8Array;
}

/**
 * Reads a PNG.
 *
 * @param bytes The whole file.
 * @param name The file's name, for the message.
 * @throws {SyntaxError} If the bytes are no PNG, are cut short, are damaged where it
 * matters, or stand for too many pixels.
 */
export function decodePng(bytes: Uint8Array, name: string): PngImage {
  try {
    if (!isPng(bytes)) throw new Error(describeForeignFile(bytes));
    const structure = readPngStructure(bytes);
    const { orientation } = structure;
    if (orientation !== 1) {
      throw new Error(
        `its EXIF orientation is ${orientation}, and only pictures are turned: save it turned ` +
          `and without EXIF`,
      );
    }
    return decodeSamples(structure);
  } catch (error) {
    throw new SyntaxError(`Cannot read "${name}" as a PNG: ${errorReason(error)}`);
  }
}

const damaged = (reason: string) => new Error(`${reason}: ${ASK_WHETHER_COMPLETE}`);

/**
 * Reads the chunks of a PNG. Those that are not needed may be damaged, as for libpng.
 *
 * @throws {Error} If a part is missing or damaged, or there are too many pixels; the message
 * is a part of a sentence, with what to do.
 */
export function readPngStructure(bytes: Uint8Array): PngStructure {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const packed: Uint8Array[] = [];
  const intact: Uint8Array[] = [bytes.subarray(0, PNG_SIGNATURE.length)];
  let isDamaged = false;
  let header: ReturnType<typeof readHeader> | null = null;
  let palette: number[][] | null = null;
  let orientation = 1;
  let previous = "";
  for (let at = PNG_SIGNATURE.length;;) {
    if (at + 12 > bytes.length) throw damaged("the file ends early");
    const length = view.getUint32(at);
    const type = decodeLatin1(bytes.subarray(at + 4, at + 8));
    if (!/^[A-Za-z]{4}$/.test(type)) throw damaged("a chunk has no name");
    const end = at + 8 + length;
    if (end + 4 > bytes.length) throw damaged(`the file ends in its chunk "${type}"`);
    const body = bytes.subarray(at + 8, end);
    const isIntact = crc32(bytes.subarray(at + 4, end)) === view.getUint32(end);
    const isNeeded = type === "PLTE" ? header?.isIndexed : /^[A-Z]/.test(type);
    if (type === "IEND") {
      if (header === null || packed.length === 0) throw damaged("it has no pixels");
      if (header.isIndexed && palette === null) throw damaged("it has no palette");
      const packedLength = packed.reduce((sum, { length }) => sum + length, 0);
      if (packedLength * MAX_INFLATION < header.byteLength) {
        throw damaged(
          `${packedLength} compressed bytes cannot hold its ${header.byteLength} bytes of pixels`,
        );
      }
      intact.push(bytes.subarray(at));
      const repaired = isDamaged ? concatBytes(intact) : bytes;
      return { ...header, palette, orientation, packed, bytes: repaired };
    }
    if (isNeeded && !isIntact) {
      throw damaged(`the checksum of its chunk "${type}" does not fit`);
    }
    if (header === null) {
      if (type !== "IHDR" || length !== 13) throw damaged("it has no header");
      header = readHeader(new DataView(body.buffer, body.byteOffset, length));
    } else if (type === "PLTE") {
      if (header.isIndexed) palette ??= readPalette(body);
    } else if (type === "IDAT") {
      if (packed.length > 0 && previous !== type) {
        throw damaged("its pixels are interrupted by another chunk");
      }
      packed.push(body);
    } else if (type === "eXIf") {
      if (isIntact) orientation = readExifOrientation(body) ?? 1;
    } else if (isNeeded) throw damaged(`its chunk "${type}" is unknown`);
    if (isIntact) intact.push(bytes.subarray(at, end + 4));
    else isDamaged = true;
    previous = type;
    at = end + 4;
  }
}

function readHeader(header: DataView) {
  const [width, height] = [header.getUint32(0), header.getUint32(4)];
  const [bitDepth, type] = [header.getUint8(8), header.getUint8(9)];
  const interlacing = header.getUint8(12);
  const { channels, bitDepths } = COLOR_TYPES[type] ?? { channels: 0, bitDepths: [] };
  if (!bitDepths.includes(bitDepth)) {
    throw damaged(`there are no ${bitDepth} bits of color type ${type}`);
  }
  if (header.getUint16(10) !== 0) throw damaged("its compression is unknown");
  if (interlacing > 1) throw damaged(`its interlacing ${interlacing} is unknown`);
  assertPixelCount(width, height);
  const passes = (interlacing === 1 ? ADAM7 : [WHOLE_IMAGE])
    .map((pass) => {
      const columns = Math.ceil((width - pass.left) / pass.columnStep);
      const rows = Math.ceil((height - pass.top) / pass.rowStep);
      const rowBytes = Math.ceil(columns * channels * bitDepth / 8);
      return { pass, columns, rows, rowBytes };
    })
    .filter(({ columns, rows }) => columns > 0 && rows > 0); // a tiny image lacks passes
  const byteLength = passes
    .reduce((sum, { rows, rowBytes }) => sum + rows * (rowBytes + 1), 0);
  if (byteLength > MAX_PIXEL_BYTES) {
    throw new Error(
      `its pixels take ${byteLength} bytes, and ${MAX_PIXEL_BYTES} are the most: cut it into ` +
        `tiles`,
    );
  }
  const isIndexed = type === PALETTE_TYPE;
  return { width, height, channels, bitDepth, passes, byteLength, isIndexed };
}

function readPalette(body: Uint8Array): number[][] {
  const count = body.length / 3;
  if (!Number.isInteger(count) || count < 1 || count > 256) {
    throw damaged(`its palette has ${body.length} bytes`);
  }
  return Array.from({ length: count }, (_, i) => [...body.subarray(3 * i, 3 * i + 3)]);
}

/**
 * Inflates the pixels of a PNG.
 *
 * @throws {Error} If they are damaged; the message is a part of a sentence.
 */
export function decodeSamples(structure: PngStructure): PngImage {
  const { width, height, channels, bitDepth, passes, byteLength, palette, packed } =
    structure;
  const filtered = inflateChunks(packed, byteLength);
  const pixelBytes = Math.max(1, channels * bitDepth / 8);
  let from = 0;
  const decoded = passes.map(({ pass, columns, rows, rowBytes }) => {
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
  const data = mergePasses(decoded, width, height, channels);
  return { width, height, channels, bitDepth, data, palette };
}

function inflateChunks(packed: readonly Uint8Array[], byteLength: number): Uint8Array {
  const [first = new Uint8Array()] = packed;
  const deflated = packed.length === 1 ? first : concatBytes(packed);
  // A small file may claim to be enormous: no more is inflated than its header says.
  // One buffer of that size: by default, a tiny label leaves 16 kB to be collected.
  const chunkSize = Math.max(64, Math.min(byteLength, MAX_CHUNK_BYTES));
  let inflated: Uint8Array;
  try {
    inflated = inflateSync(deflated, { maxOutputLength: byteLength, chunkSize });
  } catch (error) {
    throw damaged(
      error instanceof RangeError
        ? `its pixels have more than ${byteLength} bytes`
        : "its compressed pixels are damaged",
    );
  }
  if (inflated.length === byteLength) return inflated;
  throw damaged(`${inflated.length} bytes of pixels instead of ${byteLength}`);
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
    if (filter > 4) throw damaged(`row ${y} has the unknown filter ${filter}`);
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
    Uint8Array.from(PNG_SIGNATURE),
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
