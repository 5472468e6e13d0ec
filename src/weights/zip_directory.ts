/**
 * The directory of a zip archive, whose entries are read one by one later.
 *
 * Source: PKWARE, APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3 (zip64).
 *
 * @module
 */
import { crc32 } from "node:zlib";
import type { FileBytes } from "./file_bytes.ts";
import { shown } from "./torch_globals.ts";

/** What the directory says about an entry. */
export interface ZipEntry {
  /** Path inside the archive. */
  readonly name: string;
  /** Bytes of the entry, which is not compressed. */
  readonly size: number;
  /** Checksum of those bytes. */
  readonly crc: number;
  /** Where its local header begins. */
  readonly header: number;
  /** 0 for entries that are not compressed. */
  readonly method: number;
  /** Whether it is encrypted. */
  readonly encrypted: boolean;
}

const END = 0x06054b50;
const END_BYTES = 22;
const END64 = 0x06064b50;
const END64_BYTES = 56;
const LOCATOR64 = 0x07064b50;
const LOCATOR64_BYTES = 20;
const CENTRAL = 0x02014b50;
const CENTRAL_BYTES = 46;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const EXTRA64 = 1;
const MOST_COMMENT = 0xffff;
const IN_EXTRA = 0xffffffff;

/** Bytes per step where only a checksum is wanted. */
const STEP = 1 << 20;

const viewOf = (bytes: Uint8Array) =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** Rounded above 2⁵³, where it is longer than any file. */
const uint64 = (view: DataView, at: number) => Number(view.getBigUint64(at, true));

interface Span {
  readonly start: number;
  readonly length: number;
}

/** Finds the directory from the record at the end of the file. */
async function findDirectory(file: FileBytes): Promise<Span> {
  const length = Math.min(file.size, END_BYTES + MOST_COMMENT);
  const tailStart = file.size - length;
  const tail = viewOf(await file.read(tailStart, length));
  for (let at = length - END_BYTES; at >= 0; at--) {
    if (tail.getUint32(at, true) !== END) continue;
    if (at + END_BYTES + tail.getUint16(at + 20, true) !== length) continue;
    const locator = tailStart + at - LOCATOR64_BYTES;
    return await findDirectory64(file, locator) ??
      { start: tail.getUint32(at + 16, true), length: tail.getUint32(at + 12, true) };
  }
  return file.refuse("it is cut off: the directory at the end of the zip is missing");
}

async function findDirectory64(file: FileBytes, locator: number): Promise<Span | null> {
  if (locator < 0) return null;
  const view = viewOf(await file.read(locator, LOCATOR64_BYTES));
  if (view.getUint32(0, true) !== LOCATOR64) return null;
  const end = viewOf(await file.read(uint64(view, 8), END64_BYTES));
  if (end.getUint32(0, true) !== END64) file.refuse("its zip64 directory is damaged");
  return { start: uint64(end, 48), length: uint64(end, 40) };
}

/** The 64-bit values of an entry, in the order of the fields that are full. */
function extra64(extra: DataView): number[] {
  for (let at = 0; at + 4 <= extra.byteLength;) {
    const length = extra.getUint16(at + 2, true);
    if (extra.getUint16(at, true) === EXTRA64) {
      const count = Math.floor(Math.min(length, extra.byteLength - at - 4) / 8);
      return Array.from({ length: count }, (_, i) => uint64(extra, at + 4 + 8 * i));
    }
    at += 4 + length;
  }
  return [];
}

/**
 * Reads the directory of a zip archive.
 *
 * @returns Its entries by their names.
 * @throws {SyntaxError} If the directory is missing or damaged.
 */
export async function readZipDirectory(file: FileBytes): Promise<Map<string, ZipEntry>> {
  const { start, length } = await findDirectory(file);
  const bytes = await file.read(start, length);
  const view = viewOf(bytes);
  const utf8 = new TextDecoder();
  const entries = new Map<string, ZipEntry>();
  let total = 0;
  for (let at = 0; at < length;) {
    if (at + CENTRAL_BYTES > length || view.getUint32(at, true) !== CENTRAL) {
      return file.refuse("its zip directory is damaged");
    }
    const nameEnd = at + CENTRAL_BYTES + view.getUint16(at + 28, true);
    const extraEnd = nameEnd + view.getUint16(at + 30, true);
    const next = extraEnd + view.getUint16(at + 32, true);
    if (next > length) return file.refuse("its zip directory is damaged");
    const name = utf8.decode(bytes.subarray(at + CENTRAL_BYTES, nameEnd));
    if (entries.has(name)) file.refuse(`its zip has two entries "${shown(name)}"`);

    const wide = extra64(viewOf(bytes.subarray(nameEnd, extraEnd)));
    const field = (offset: number): number => {
      const value = view.getUint32(at + offset, true);
      return value === IN_EXTRA ? wide.shift() ?? value : value;
    };
    const size = field(24); // the order of the extra field: size, packed size, header
    const packed = field(20);
    total += packed; // no bytes belong to two entries, so that none is read twice
    if (total > file.size) return file.refuse("its zip entries are larger than the file");
    entries.set(name, {
      name,
      size,
      crc: view.getUint32(at + 16, true),
      header: field(42),
      method: packed === size ? view.getUint16(at + 10, true) : -1,
      encrypted: view.getUint16(at + 8, true) % 2 === 1,
    });
    at = next;
  }
  return entries;
}

/**
 * Finds the bytes of an entry.
 *
 * @returns Their first position in the file.
 * @throws {SyntaxError} If the entry is compressed or encrypted, is damaged or reaches
 * beyond the file.
 */
export async function locateEntry(file: FileBytes, entry: ZipEntry): Promise<number> {
  const name = shown(entry.name);
  if (entry.method !== 0 || entry.encrypted) {
    return file.refuse(
      `its entry "${name}" is ${entry.encrypted ? "encrypted" : "compressed"}, which ` +
        "PyTorch never does; unpack it and save it with torch.save",
    );
  }
  const local = viewOf(await file.read(entry.header, LOCAL_BYTES));
  if (local.getUint32(0, true) !== LOCAL) {
    return file.refuse(`its entry "${name}" does not begin where the directory says`);
  }
  const start = entry.header + LOCAL_BYTES + local.getUint16(26, true) +
    local.getUint16(28, true);
  if (start + entry.size > file.size) {
    return file.refuse(`it is cut off: its entry "${name}" ends beyond the file`);
  }
  return start;
}

/**
 * Asserts that an entry's bytes are those that were written.
 *
 * @param whole The bytes, where they are in memory anyway; else they are read in steps.
 * @throws {SyntaxError} If the checksum is another one.
 */
export async function checkEntry(
  file: FileBytes,
  entry: ZipEntry,
  start: number,
  whole?: Uint8Array,
): Promise<void> {
  let crc = whole === undefined ? 0 : crc32(whole);
  for (let done = 0; whole === undefined && done < entry.size; done += STEP) {
    const length = Math.min(STEP, entry.size - done);
    crc = crc32(await file.read(start + done, length), crc);
  }
  if (crc !== entry.crc) {
    file.refuse(
      `its entry "${shown(entry.name)}" is damaged: the checksum does not fit; copy or ` +
        "download it again",
    );
  }
}
