/**
 * TIFF files as rasters: samples of 8 or 16 bits as they are stored, of up to 64 channels.
 *
 * Sources: Adobe, "TIFF Revision 6.0" (1992), sections 2 (structure), 9 (PackBits), 13
 * (LZW), 14 (differences) and 15 (tiles); its "Photoshop Technical Notes" (2002) for
 * deflate; libtiff for Zstandard and for BigTIFF, files of more than 4 GB.
 *
 * @module
 */

import { inflateSync, zstdDecompressSync } from "node:zlib";
import { MAX_CHANNELS, type Pixels } from "../core/host_batch.ts";
import { errorReason } from "../io/file_errors.ts";
import {
  ASK_WHETHER_COMPLETE,
  assertPixelCount,
  describeForeignFile,
  isTiff,
} from "./image_file.ts";

/** A TIFF's samples. */
export interface TiffImage {
  readonly width: number;
  readonly height: number;
  /** Samples per pixel. */
  readonly channels: number;
  /** Bits per sample. */
  readonly bitDepth: 8 | 16;
  /** Whether the first three channels are red, green and blue. */
  readonly isRgb: boolean;
  /** Whether the last channel is the alpha of gray or of RGB. */
  readonly hasAlpha: boolean;
  /** How it is to be turned, as an EXIF orientation: 1, as it is, … 8. */
  readonly orientation: number;
  /** Row-major samples. [H, W, channels] */
  readonly data: Pixels;
}

/** Numbers of the tags that matter here. */
const TAG = {
  subfileType: 254,
  width: 256,
  height: 257,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  fillOrder: 266,
  stripOffsets: 273,
  orientation: 274,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  planarConfiguration: 284,
  predictor: 317,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  extraSamples: 338,
  sampleFormat: 339,
} as const;

/** Bytes of the types whose values are whole numbers without a sign. */
const TYPE_BYTES: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 13: 4, 16: 8 };

/** What a pixel is that is neither gray nor RGB. */
const OTHER_COLORS: Readonly<Record<number, string>> = {
  0: "gray whose zero is white",
  3: "indices of a palette",
  4: "a mask",
  5: "CMYK",
  6: "YCbCr",
  8: "Lab",
  9: "Lab",
  10: "Lab",
};
const GRAY = 1;
const RGB = 2;

const SAMPLE_FORMATS: Readonly<Record<number, string>> = {
  2: "whole numbers with a sign",
  3: "floats",
  5: "complex numbers",
  6: "complex numbers",
};

/** Compressions that are not read. */
const OTHER_COMPRESSIONS: Readonly<Record<number, string>> = {
  2: "CCITT codes",
  3: "CCITT codes",
  4: "CCITT codes",
  6: "JPEG",
  7: "JPEG",
  33003: "JPEG 2000",
  33005: "JPEG 2000",
  34712: "JPEG 2000",
  34887: "LERC",
  34925: "LZMA",
  50001: "WebP",
  50002: "JPEG XL",
};

/** The most bytes of pixels: those of 16384×16384 of four channels. */
const MAX_PIXEL_BYTES = 1 << 30;

/** No compression that is read makes as many bytes of one, but Zstandard. */
const MAX_INFLATION = 2000;
const MAX_ZSTANDARD_INFLATION = 50_000;

/** Directories of a file; a chain of more is damaged or hostile. */
const MAX_DIRECTORIES = 4096;

const damaged = (reason: string) => new Error(`${reason}: ${ASK_WHETHER_COMPLETE}`);

/**
 * Reads a TIFF of one picture.
 *
 * @param bytes The whole file.
 * @param name The file's name, for the message.
 * @throws {SyntaxError} If the bytes are no TIFF, are cut short, hold something else than
 * gray, RGB or channels of 8 or 16 bits without a sign, or stand for too many pixels.
 */
export function decodeTiff(bytes: Uint8Array, name: string): TiffImage {
  try {
    if (!isTiff(bytes)) throw new Error(describeForeignFile(bytes));
    return readTiff(bytes);
  } catch (error) {
    throw new SyntaxError(`Cannot read "${name}" as a TIFF: ${errorReason(error)}`);
  }
}

/**
 * Reads a TIFF as {@linkcode decodeTiff} does.
 *
 * @throws {Error} The message is a part of a sentence, with what to do.
 */
export function readTiff(bytes: Uint8Array): TiffImage {
  const [tags, ...others] = readDirectories(bytes);
  if (tags === undefined) throw damaged("it has no pixels");
  // Overviews and masks of the picture are no pictures of their own.
  const pages = 1 + others.filter((one) => (one.number(TAG.subfileType, 0) & 5) === 0)
    .length;
  if (pages > 1) {
    throw new Error(
      `it has ${pages} pages: save the one that is meant as a file of its own`,
    );
  }
  const layout = readLayout(tags);
  return { ...layout, data: readSamples(bytes, tags, layout) };
}

/** The tags of a directory. */
class Tags {
  /** Where the values of a tag lie. */
  readonly #entries = new Map<number, { type: number; count: number; at: number }>();

  constructor(readonly file: TiffFile, at: number) {
    const { entryBytes, countBytes, offsetBytes } = file;
    const count = file.number(at, countBytes);
    for (let i = 0; i < count; i++) {
      const entry = at + countBytes + i * entryBytes;
      const type = file.number(entry + 2, 2);
      const valueCount = file.number(entry + 4, offsetBytes);
      const inline = entry + 4 + offsetBytes;
      const isInline = (TYPE_BYTES[type] ?? Infinity) * valueCount <= offsetBytes;
      this.#entries.set(file.number(entry, 2), {
        type,
        count: valueCount,
        at: isInline ? inline : file.number(inline, offsetBytes),
      });
    }
    this.next = file.number(at + countBytes + count * entryBytes, offsetBytes);
  }

  /** Where the next directory is; 0: nowhere. */
  readonly next: number;

  has(tag: number): boolean {
    return this.#entries.has(tag);
  }

  /** All values of a tag; none if it is not there. */
  numbers(tag: number, most = MAX_CHANNELS): number[] {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return [];
    const bytes = TYPE_BYTES[entry.type];
    if (bytes === undefined) throw damaged(`its tag ${tag} holds no whole numbers`);
    const count = Math.min(entry.count, most);
    if (count > 0) this.file.number(entry.at + (count - 1) * bytes, bytes);
    return Array.from(
      { length: count },
      (_, i) => this.file.number(entry.at + i * bytes, bytes),
    );
  }

  /** The first value of a tag. */
  number(tag: number, otherwise: number): number {
    return this.numbers(tag, 1)[0] ?? otherwise;
  }
}

/** Numbers of a file, in its order of bytes. */
class TiffFile {
  readonly #view: DataView;
  readonly isLittleEndian: boolean;
  /** Whether offsets have 64 bits. */
  readonly isBig: boolean;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.isLittleEndian = bytes[0] === 0x49;
    this.isBig = this.number(2, 2) === 43;
  }

  get offsetBytes(): number {
    return this.isBig ? 8 : 4;
  }
  get countBytes(): number {
    return this.isBig ? 8 : 2;
  }
  get entryBytes(): number {
    return this.isBig ? 20 : 12;
  }

  /** @throws {Error} If it lies behind the end. */
  number(at: number, bytes: number): number {
    if (at + bytes > this.#view.byteLength) throw damaged("the file ends early");
    const little = this.isLittleEndian;
    if (bytes === 1) return this.#view.getUint8(at);
    if (bytes === 2) return this.#view.getUint16(at, little);
    if (bytes === 4) return this.#view.getUint32(at, little);
    return Number(this.#view.getBigUint64(at, little));
  }
}

function readDirectories(bytes: Uint8Array): Tags[] {
  const file = new TiffFile(bytes);
  const all: Tags[] = [];
  const places = new Set<number>();
  for (let at = file.number(file.isBig ? 8 : 4, file.offsetBytes); at !== 0;) {
    if (places.has(at) || places.size === MAX_DIRECTORIES) {
      throw damaged("its directories have no end");
    }
    places.add(at);
    const tags = new Tags(file, at);
    all.push(tags);
    at = tags.next;
  }
  return all;
}

type TiffLayout = Omit<TiffImage, "data">;

/** What the pixels are. @throws {Error} If they are not of a kind that is read. */
function readLayout(tags: Tags): TiffLayout {
  const [width, height] = [tags.number(TAG.width, 0), tags.number(TAG.height, 0)];
  assertPixelCount(width, height);
  const channels = tags.number(TAG.samplesPerPixel, 1);
  if (channels < 1 || channels > MAX_CHANNELS) {
    throw new Error(`it has ${channels} channels, and ${MAX_CHANNELS} are the most`);
  }
  const photometric = tags.number(TAG.photometric, GRAY);
  if (photometric !== GRAY && photometric !== RGB) {
    const kind = OTHER_COLORS[photometric] ?? `of the unknown kind ${photometric}`;
    throw new Error(`its pixels are ${kind}: convert it to gray or RGB`);
  }
  const isRgb = photometric === RGB;
  if (isRgb && channels < 3) throw damaged(`it is RGB of ${channels} channels`);
  for (const format of tags.numbers(TAG.sampleFormat)) {
    const kind = SAMPLE_FORMATS[format];
    if (kind === undefined) continue; // 1: whole numbers without a sign, 4: not said
    throw new Error(
      `its values are ${kind}: convert them to 8 or 16 bits without a sign`,
    );
  }
  const bits = [...new Set(tags.numbers(TAG.bitsPerSample))];
  const [bitDepth = 1] = bits;
  if (bits.length > 1 || (bitDepth !== 8 && bitDepth !== 16)) {
    const found = bits.length > 1 ? bits.join(" and ") : bitDepth;
    throw new Error(`its values have ${found} bits: convert them to 8 or 16 bits`);
  }
  const byteLength = width * height * channels * bitDepth / 8;
  if (byteLength > MAX_PIXEL_BYTES) {
    throw new Error(
      `its pixels take ${byteLength} bytes, and ${MAX_PIXEL_BYTES} are the most: cut it into ` +
        "tiles",
    );
  }
  const [extra, ...moreExtra] = tags.numbers(TAG.extraSamples);
  const isLast = channels === (isRgb ? 4 : 2) && moreExtra.length === 0;
  return {
    width,
    height,
    channels,
    bitDepth,
    isRgb,
    hasAlpha: isLast && (extra === 1 || extra === 2), // premultiplied, or not
    orientation: tags.number(TAG.orientation, 1),
  };
}

/** Strips are tiles as wide as the picture; the last ones end with it. */
interface Tiling {
  readonly width: number;
  readonly height: number;
  readonly endWithPicture: boolean;
  readonly offsets: readonly number[];
  readonly byteCounts: readonly number[];
}

function readTiling(tags: Tags, layout: TiffLayout, planes: number): Tiling {
  const isTiled = tags.has(TAG.tileOffsets);
  const width = isTiled ? tags.number(TAG.tileWidth, 0) : layout.width;
  const height = isTiled
    ? tags.number(TAG.tileHeight, 0)
    : Math.min(tags.number(TAG.rowsPerStrip, layout.height), layout.height);
  if (width < 1 || height < 1) throw damaged("its parts have no size");
  const count = planes * Math.ceil(layout.width / width) *
    Math.ceil(layout.height / height);
  // A tile may reach beyond the picture, but a large one has no reason to.
  const perPixel = layout.channels * layout.bitDepth / 8;
  if (width * height * perPixel > MAX_PIXEL_BYTES) {
    throw damaged("its tiles are too large");
  }
  const offsets = tags.numbers(isTiled ? TAG.tileOffsets : TAG.stripOffsets, count);
  const byteCounts = tags.numbers(
    isTiled ? TAG.tileByteCounts : TAG.stripByteCounts,
    count,
  );
  if (offsets.length < count || byteCounts.length < count) {
    throw damaged(
      `it lists ${Math.min(offsets.length, byteCounts.length)} of ${count} parts`,
    );
  }
  return { width, height, endWithPicture: !isTiled, offsets, byteCounts };
}

function readSamples(bytes: Uint8Array, tags: Tags, layout: TiffLayout): Pixels {
  const { width, height, channels, bitDepth } = layout;
  const isPlanar = channels > 1 && tags.number(TAG.planarConfiguration, 1) === 2;
  const [planes, perPixel] = isPlanar ? [channels, 1] : [1, channels];
  const tiling = readTiling(tags, layout, planes);
  const compression = tags.number(TAG.compression, 1);
  const decompress = DECOMPRESSORS[compression];
  if (decompress === undefined) {
    const kind = OTHER_COMPRESSIONS[compression] ?? `the unknown method ${compression}`;
    throw new Error(
      `its pixels are compressed with ${kind}: save it with LZW or deflate, or not compressed`,
    );
  }
  if (tags.number(TAG.fillOrder, 1) !== 1) {
    throw new Error("its bits are in reversed order: save it with another program");
  }
  const predictor = tags.number(TAG.predictor, 1);
  if (predictor !== 1 && predictor !== 2) {
    throw new Error(
      `its predictor is ${predictor}: save it with that of whole numbers or without one`,
    );
  }
  assertEnoughBytes(layout, tiling.byteCounts, compression);

  const data = newSamples(bitDepth, width * height * channels);
  const across = Math.ceil(width / tiling.width);
  const down = Math.ceil(height / tiling.height);
  for (let i = 0; i < planes * down * across; i++) {
    const plane = Math.floor(i / (down * across));
    const top = Math.floor(i % (down * across) / across) * tiling.height;
    const left = i % across * tiling.width;
    const rows = Math.min(tiling.height, height - top);
    const from = tiling.offsets[i] ?? 0;
    const end = from + (tiling.byteCounts[i] ?? 0);
    if (end > bytes.length) throw damaged("the file ends early");
    const rowValues = tiling.width * perPixel;
    const wanted = rowValues * (tiling.endWithPicture ? rows : tiling.height);
    const most = rowValues * tiling.height; // some writers fill up the last strip
    const unpacked = decompress(
      bytes.subarray(from, end),
      wanted * bitDepth / 8,
      most * bitDepth / 8,
    );
    const samples = bitDepth === 8
      ? unpacked
      : read16(unpacked, wanted, tags.file.isLittleEndian);
    const isShared = samples.buffer === bytes.buffer;
    const own = predictor === 2 && isShared ? samples.slice() : samples;
    if (predictor === 2) addDifferences(own, rowValues, perPixel);
    const columns = Math.min(tiling.width, width - left);
    for (let row = 0; row < rows; row++) {
      const line = own.subarray(row * rowValues, row * rowValues + columns * perPixel);
      const to = ((top + row) * width + left) * channels + plane;
      if (!isPlanar) data.set(line, to);
      else line.forEach((value, x) => data[to + x * channels] = value);
    }
  }
  return data;
}

const newSamples = (bitDepth: 8 | 16, length: number): Pixels =>
  bitDepth === 8 ? new Uint8Array(length) : new Uint16Array(length);

// A small file may claim to be enormous.
function assertEnoughBytes(
  { width, height, channels, bitDepth }: TiffLayout,
  byteCounts: readonly number[],
  compression: number,
): void {
  const byteLength = width * height * channels * bitDepth / 8;
  const stored = byteCounts.reduce((sum, count) => sum + count, 0);
  const inflation = compression === UNCOMPRESSED
    ? 1
    : compression === ZSTANDARD
    ? MAX_ZSTANDARD_INFLATION
    : MAX_INFLATION;
  if (stored * inflation >= byteLength) return;
  throw damaged(`${stored} stored bytes cannot hold its ${byteLength} bytes of pixels`);
}

function read16(bytes: Uint8Array, count: number, isLittleEndian: boolean): Uint16Array {
  const [low, high] = isLittleEndian ? [0, 1] : [1, 0];
  const values = new Uint16Array(count);
  for (let i = 0; i < count; i++) {
    values[i] = (bytes[2 * i + low] ?? 0) | (bytes[2 * i + high] ?? 0) << 8;
  }
  return values;
}

/** Each value becomes the sum of those of its channel up to it, row by row. */
function addDifferences(values: Pixels, rowValues: number, perPixel: number): void {
  for (let start = 0; start < values.length; start += rowValues) {
    for (let i = start + perPixel; i < start + rowValues; i++) {
      values[i] = (values[i] ?? 0) + (values[i - perPixel] ?? 0);
    }
  }
}

const UNCOMPRESSED = 1;
const ZSTANDARD = 50_000;

/** Gives at least the wanted bytes, at most `most`. @throws {Error} If there are fewer. */
type Decompress = (packed: Uint8Array, wanted: number, most: number) => Uint8Array;

const DECOMPRESSORS: Readonly<Record<number, Decompress>> = {
  [UNCOMPRESSED]: (packed, wanted) => {
    if (packed.length < wanted) throw incomplete(packed.length, wanted);
    return packed;
  },
  5: decompressLzw,
  8: inflateBy(inflateSync),
  32946: inflateBy(inflateSync),
  32773: unpackBits,
  [ZSTANDARD]: inflateBy(zstdDecompressSync),
};

const incomplete = (found: number, wanted: number) =>
  damaged(`a part has ${found} bytes of pixels instead of ${wanted}`);

function inflateBy(
  inflate: (packed: Uint8Array, limit: { maxOutputLength: number }) => Uint8Array,
): Decompress {
  return (packed, wanted, most) => {
    let unpacked: Uint8Array;
    try {
      unpacked = inflate(packed, { maxOutputLength: most });
    } catch {
      throw damaged("its compressed pixels are damaged");
    }
    if (unpacked.length < wanted) throw incomplete(unpacked.length, wanted);
    return unpacked;
  };
}

function unpackBits(packed: Uint8Array, wanted: number): Uint8Array {
  const unpacked = new Uint8Array(wanted);
  let to = 0;
  for (let at = 0; at < packed.length && to < wanted;) {
    const header = packed[at++] ?? 0;
    const count = header < 128 ? header + 1 : header > 128 ? 257 - header : 0;
    if (header < 128) {
      unpacked.set(packed.subarray(at, at + Math.min(count, wanted - to)), to);
    } else unpacked.fill(packed[at] ?? 0, to, to + count);
    at += header < 128 ? count : header > 128 ? 1 : 0;
    if (at > packed.length) break;
    to += count;
  }
  if (to < wanted) throw incomplete(to, wanted);
  return unpacked;
}

const LZW_CLEAR = 256;
const LZW_END = 257;
const LZW_MOST_BITS = 12;

/**
 * Codes of 9 to 12 bits, the highest bit first. Of each string the table has the code of
 * all but its last byte, and that byte; the strings grow as they are met.
 */
function decompressLzw(packed: Uint8Array, wanted: number): Uint8Array {
  if (packed[0] === 0 && ((packed[1] ?? 0) & 1) === 1) {
    throw new Error(
      "its LZW codes are of a draft of TIFF 5: save it with another program",
    );
  }
  const unpacked = new Uint8Array(wanted);
  const prefix = new Uint16Array(1 << LZW_MOST_BITS);
  const suffix = Uint8Array.from({ length: 1 << LZW_MOST_BITS }, (_, code) => code);
  const lengths = new Uint16Array(1 << LZW_MOST_BITS).fill(1);
  let [to, next, width, previous] = [0, LZW_END + 1, 9, -1];
  let [bits, bitCount] = [0, 0];
  for (let at = 0; to < wanted;) {
    while (bitCount < width && at < packed.length) {
      bits = (bits << 8 | (packed[at++] ?? 0)) & 0xffffff;
      bitCount += 8;
    }
    if (bitCount < width) break;
    bitCount -= width;
    const code = bits >> bitCount & (1 << width) - 1;
    if (code === LZW_END) break;
    if (code === LZW_CLEAR) {
      [next, width, previous] = [LZW_END + 1, 9, -1];
      continue;
    }
    if (code > next || (code === next && previous < 0)) {
      throw damaged("its LZW codes are damaged");
    }
    if (previous >= 0 && next < prefix.length) {
      // A code that is not in the table yet begins, and ends, as the string before it.
      let first = code === next ? previous : code;
      while (first > 255) first = prefix[first] ?? 0;
      prefix[next] = previous;
      suffix[next] = first;
      lengths[next] = (lengths[previous] ?? 0) + 1;
      next++;
    } else if (code >= next) throw damaged("its LZW codes are damaged");
    const end = to + (lengths[code] ?? 0);
    let part = code;
    for (let i = end - 1; i >= to; i--) {
      if (i < wanted) unpacked[i] = suffix[part] ?? 0;
      part = prefix[part] ?? 0;
    }
    to = end;
    previous = code;
    // One code earlier than the table needs it.
    if (next >= (1 << width) - 1 && width < LZW_MOST_BITS) width++;
  }
  if (to < wanted) throw incomplete(to, wanted);
  return unpacked;
}
