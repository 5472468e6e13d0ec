/**
 * Zip archives without compression, whose entries begin at multiples of 64 bytes.
 *
 * Source: PKWARE, APPNOTE.TXT 6.3.10, section 4.3.
 *
 * @module
 */
import { crc32 } from "node:zlib";

/** A file inside an archive. */
export interface StoredEntry {
  /** Its path there. */
  readonly name: string;
  /** Its contents. */
  readonly bytes: Uint8Array;
}

const ALIGNMENT = 64;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;

/** Id of PyTorch's padding among the extra fields. */
const PADDING = 0x4246;
const PADDING_BYTES = 4;

/** 1980-01-01, the first date that the format knows. */
const DATE = 0x21;

/** Names are UTF-8. */
const UTF8 = 0x0800;

/** The format without its 64-bit extension. */
const MAX_ARCHIVE_BYTES = 0xffffffff;
const MAX_ENTRIES = 0xffff;

/** The fields that an entry's local and central headers share, from its version on. */
function writeSharedFields(
  view: DataView,
  at: number,
  entry: StoredEntry,
  crc: number,
): void {
  view.setUint16(at, 20, true); // version 2.0
  view.setUint16(at + 2, UTF8, true);
  view.setUint16(at + 8, DATE, true);
  view.setUint32(at + 10, crc, true);
  view.setUint32(at + 14, entry.bytes.length, true);
  view.setUint32(at + 18, entry.bytes.length, true);
  view.setUint16(at + 22, new TextEncoder().encode(entry.name).length, true);
}

function localHeader(entry: StoredEntry, crc: number, position: number): Uint8Array {
  const name = new TextEncoder().encode(entry.name);
  const unpaddedEnd = position + LOCAL_BYTES + name.length + PADDING_BYTES;
  const padding = Math.ceil(unpaddedEnd / ALIGNMENT) * ALIGNMENT - unpaddedEnd;
  const bytes = new Uint8Array(unpaddedEnd - position + padding);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x04034b50, true);
  writeSharedFields(view, 4, entry, crc);
  view.setUint16(28, PADDING_BYTES + padding, true);
  bytes.set(name, LOCAL_BYTES);
  view.setUint16(LOCAL_BYTES + name.length, PADDING, true);
  view.setUint16(LOCAL_BYTES + name.length + 2, padding, true);
  return bytes;
}

function centralHeader(entry: StoredEntry, crc: number, position: number): Uint8Array {
  const name = new TextEncoder().encode(entry.name);
  const bytes = new Uint8Array(CENTRAL_BYTES + name.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x02014b50, true);
  view.setUint16(4, 20, true); // made by version 2.0
  writeSharedFields(view, 6, entry, crc);
  view.setUint32(42, position, true);
  bytes.set(name, CENTRAL_BYTES);
  return bytes;
}

function endRecord(entries: number, start: number, length: number): Uint8Array {
  const bytes = new Uint8Array(END_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x06054b50, true);
  view.setUint16(8, entries, true);
  view.setUint16(10, entries, true);
  view.setUint32(12, length, true);
  view.setUint32(16, start, true);
  return bytes;
}

/**
 * The parts of an archive, so that a large one is written without a second copy.
 *
 * @throws {RangeError} If there are more than 65535 entries or 4 GiB.
 */
export function storedZipChunks(entries: readonly StoredEntry[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let position = 0;
  for (const entry of entries) {
    const crc = crc32(entry.bytes);
    const header = localHeader(entry, crc, position);
    directory.push(centralHeader(entry, crc, position));
    chunks.push(header, entry.bytes);
    position += header.length + entry.bytes.length;
    if (position > MAX_ARCHIVE_BYTES || directory.length > MAX_ENTRIES) {
      throw new RangeError(
        `Cannot write ${entries.length} entries up to "${entry.name}" as a zip: at most ` +
          `${MAX_ENTRIES} entries and 4 GiB fit; write safetensors instead`,
      );
    }
  }
  const length = directory.reduce((sum, bytes) => sum + bytes.length, 0);
  return [...chunks, ...directory, endRecord(entries.length, position, length)];
}
