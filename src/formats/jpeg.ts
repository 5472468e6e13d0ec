/**
 * The segments of JPEG files: what a header says, and faults that cost no pixel.
 *
 * Source: ITU-T T.81, "Digital compression and coding of continuous-tone still images",
 * annexes B (segments) and G (progressive scans).
 *
 * @module
 */

import { concatBytes } from "../core/host_tensor.ts";
import { readExifOrientation } from "./exif.ts";
import { ASK_WHETHER_COMPLETE, assertPixelCount } from "./image_file.ts";

/** A JPEG's structure. */
export interface JpegFile {
  readonly width: number;
  readonly height: number;
  /** Components per pixel: 1 gray, 3 colors, 4 CMYK. */
  readonly components: number;
  /** How its EXIF wants the pixels turned: 1, as they are, … 8. */
  readonly orientation: number;
  /**
   * The file without its harmless faults. Where libvips would not look for faults in the
   * last rows, it claims to have one row more, of which nothing is known.
   */
  readonly bytes: Uint8Array;
  /** The markers that end the data of a scan, in the order of `bytes`. */
  readonly scanEnds: readonly JpegMarker[];
}

/** A marker in a file. */
export interface JpegMarker {
  /** Its second byte. */
  readonly code: number;
  /** Where its first byte is. */
  readonly at: number;
}

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const JFIF = 0xe0;
const EXIF = 0xe1;
const ADOBE = 0xee;

/** Frames: sequential with Huffman codes, and progressive. */
const [BASELINE, EXTENDED, PROGRESSIVE] = [0xc0, 0xc1, 0xc2];

/** Markers without a segment: TEM and RST0 … RST7. */
const isAlone = (code: number) => code === 0x01 || isRestart(code);
const isRestart = (code: number) => code >= 0xd0 && code <= 0xd7;

/** Frames are 0xc0 … 0xcf but for tables and an extension. */
const isFrame = (code: number) =>
  code >= 0xc0 && code <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(code);

/** A block of 64 pixels takes a bit at least; with chroma subsampled as far as it may be, 512. */
const MAX_PIXELS_PER_BYTE = 4096;

const MAX_HEIGHT = 0xffff;

/** The coefficients of a block. */
const BLOCK_SIZE = 64;

/** Per component: the lowest bit that was sent of each coefficient; −1 for none. [64] */
type SentBits = Map<number, Int8Array>;

interface Frame {
  readonly segment: Uint8Array;
  readonly code: number;
  readonly width: number;
  readonly height: number;
  readonly components: number;
  readonly sentBits: SentBits;
}

/**
 * Reads the structure of a JPEG, and does away with what is wrong in it without a loss:
 * bytes between segments and after the end, a missing end behind all data, numbers in the
 * headers that contradict the kind of file.
 *
 * @throws {Error} If it is of a kind that is not read, too large, or lacks a part; the
 * message is a part of a sentence, with what to do.
 */
export function readJpegStructure(bytes: Uint8Array): JpegFile {
  const parts: Uint8Array[] = [bytes.subarray(0, 2)];
  const scanEnds: JpegMarker[] = [];
  let frame: Frame | null = null;
  let adobe: Uint8Array | null = null;
  let orientation: number | null = null;
  let length = 2;
  const keep = (part: Uint8Array) => {
    parts.push(part);
    length += part.length;
  };
  let at = 2;
  let marker = nextMarker(bytes, at);
  for (; marker !== null && marker.code !== EOI; marker = nextMarker(bytes, at)) {
    const { code } = marker;
    if (isAlone(code)) {
      at = marker.at + 2;
      continue;
    }
    if (code === SOI) throw damaged("it begins anew in its header");
    const segment = readSegment(bytes, marker);
    if (segment === null) {
      if (scanEnds.length === 0) throw damaged("it is cut short in its header");
      marker = null; // bytes behind a scan that are no segment: the end is missing
      break;
    }
    at = marker.at + segment.length;
    if (isFrame(code)) frame = readFrame(segment);
    else if (code === JFIF && hasName(segment, "JFIF\0")) segment[9] = 1; // of 1.xx
    else if (code === EXIF && hasName(segment, "Exif\0\0")) {
      orientation ??= readExifOrientation(segment.subarray(10));
    } else if (code === ADOBE && hasName(segment, "Adobe")) adobe = segment;
    else if (code === SOS) noteScan(segment, frame);
    keep(segment);
    if (code !== SOS) continue;
    const end = endOfScan(bytes, at);
    keep(bytes.subarray(at, end));
    scanEnds.push({ code: nextMarker(bytes, end)?.code ?? EOI, at: length });
    at = end;
    if (frame !== null && scanEnds.length === 1 && isSentWhole(frame)) break;
  }
  keep(Uint8Array.of(0xff, EOI));
  if (frame === null || scanEnds.length === 0) throw damaged("it has no pixels");
  assertEverySent(frame, marker !== null);
  const { width, height, components } = frame;
  if (bytes.length * MAX_PIXELS_PER_BYTE < width * height) {
    throw damaged(`${bytes.length} bytes cannot hold its ${width}×${height} pixels`);
  }
  if (frame.code !== PROGRESSIVE && scanEnds.length === 1) claimAnotherRow(frame);
  // Of colors that are none of the known ones, libjpeg takes the usual for their number.
  if (adobe !== null && (adobe[15] ?? 0) > 2) adobe[15] = components === 4 ? 2 : 1;
  return {
    width,
    height,
    components,
    orientation: orientation ?? 1,
    bytes: concatBytes(parts),
    scanEnds,
  };
}

/** A copy of a file without the bytes `from` … `end` − 1. */
export function withoutBytes(bytes: Uint8Array, from: number, end: number): Uint8Array {
  return concatBytes([bytes.subarray(0, from), bytes.subarray(end)]);
}

const damaged = (reason: string) => new Error(`${reason}: ${ASK_WHETHER_COMPLETE}`);

const hasName = (segment: Uint8Array, name: string) =>
  [...name].every((letter, i) => segment[4 + i] === letter.charCodeAt(0));

// A marker may be filled up with 0xff; what lies before it belongs to nothing.
function nextMarker(bytes: Uint8Array, from: number): JpegMarker | null {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const code = bytes[at + 1] ?? 0xff;
    if (code !== 0xff && code !== 0) return { code, at };
  }
  return null;
}

// In the data of a scan, 0xff is followed by zero, by a restart or by another 0xff.
function endOfScan(bytes: Uint8Array, from: number): number {
  let marker = nextMarker(bytes, from);
  while (marker !== null && isRestart(marker.code)) {
    marker = nextMarker(bytes, marker.at + 2);
  }
  return marker?.at ?? bytes.length;
}

// A copy, with its marker; null if the file ends before it does. (`slice` would make none of
// a Buffer of Node.js.)
function readSegment(bytes: Uint8Array, { at }: JpegMarker): Uint8Array | null {
  const length = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  const end = at + 2 + length;
  if (length < 2 || end > bytes.length) return null;
  return new Uint8Array(bytes.subarray(at, end));
}

function readFrame(segment: Uint8Array): Frame {
  const view = new DataView(segment.buffer);
  if (segment.length < 10) throw damaged("its header is too short");
  const [code, bitDepth] = [view.getUint8(1), view.getUint8(4)];
  const [height, width, components] = [
    view.getUint16(5),
    view.getUint16(7),
    view.getUint8(9),
  ];
  if (![BASELINE, EXTENDED, PROGRESSIVE].includes(code)) {
    const coding = code >= 0xc8 ? "arithmetic coding" : "lossless or hierarchical coding";
    throw new Error(`it is a JPEG of ${coding}, which is not read: ${SAVE_ANEW}`);
  }
  if (bitDepth !== 8) {
    throw new Error(`it has ${bitDepth} bits per sample instead of 8: ${SAVE_ANEW}`);
  }
  if (![1, 3, 4].includes(components) || segment.length < 10 + 3 * components) {
    throw new Error(
      `it has ${components} components instead of 1, 3 or 4: ${ASK_WHETHER_COMPLETE}`,
    );
  }
  assertPixelCount(width, height);
  const ids = Array.from({ length: components }, (_, i) => view.getUint8(10 + 3 * i));
  const sentBits = new Map(
    ids.map((id) => [id, new Int8Array(BLOCK_SIZE).fill(-1)] as const),
  );
  return { segment, code, width, height, components, sentBits };
}

const SAVE_ANEW = "save it as a common JPEG or as a PNG";

// libvips reads eight lines at a time and looks for faults of the lines before, so those of the
// last lines escape it; unless libjpeg has read a row of blocks ahead, for its smooth
// enlargement of rows of chroma by two.
function claimAnotherRow({ segment, height, components }: Frame): void {
  const factors = Array.from({ length: components }, (_, i) => segment[11 + 3 * i] ?? 0);
  const columns = factors.map((factor) => factor >> 4);
  const rows = factors.map((factor) => factor & 15);
  const [mostColumns, mostRows] = [Math.max(...columns), Math.max(...rows)];
  const readsAhead = rows.some((count, i) =>
    mostRows === 2 * count && mostColumns <= 2 * (columns[i] ?? 0)
  );
  const blockRows = 8 * mostRows;
  const claimed = Math.ceil(height / blockRows) * blockRows + 1;
  if (readsAhead || !(claimed <= MAX_HEIGHT)) return;
  new DataView(segment.buffer).setUint16(5, claimed);
}

// Notes which bits a scan has. One of a sequential file has all, whatever its header says.
function noteScan(segment: Uint8Array, frame: Frame | null): void {
  if (frame === null) throw damaged("its pixels come before its size");
  const components = segment[4] ?? 0;
  const tail = 5 + 2 * components;
  if (segment.length < tail + 3) throw damaged("its header is too short");
  if (frame.code !== PROGRESSIVE) segment.set([0, BLOCK_SIZE - 1, 0], tail);
  const [first = 0, last = 0, approximation = 0] = segment.subarray(tail);
  for (let i = 0; i < components; i++) {
    frame.sentBits.get(segment[5 + 2 * i] ?? 0)
      ?.fill(approximation & 15, first, last + 1);
  }
}

// Behind the only scan of a sequential file, libjpeg reads no further.
const isSentWhole = ({ code, sentBits }: Frame) =>
  code !== PROGRESSIVE && [...sentBits.values()].every((bits) => bits[0] === 0);

// Without an end, a file may lack scans; with one, the encoder may have left out zeros.
function assertEverySent({ sentBits }: Frame, hasEnd: boolean): void {
  for (const bits of sentBits.values()) {
    if (bits[0] === -1 || bits.some((bit) => bit > 0 || (bit === -1 && !hasEnd))) {
      throw damaged("a part of its scans is missing");
    }
  }
}
