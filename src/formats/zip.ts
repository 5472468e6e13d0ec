/** Zip archives, zip64 included: directories and entries. The only file that names the library. @module */

import { promisify } from "node:util";
import { crc32, inflateRaw } from "node:zlib";
import {
  configure,
  ERR_AMBIGUOUS_ARCHIVE,
  ERR_BAD_FORMAT,
  ERR_CENTRAL_DIRECTORY_NOT_FOUND,
  ERR_EOCDR_LOCATOR_ZIP64_NOT_FOUND,
  ERR_EOCDR_NOT_FOUND,
  ERR_EXTRAFIELD_ZIP64_NOT_FOUND,
  ERR_SPLIT_ZIP_FILE,
  Reader,
  ZipReader,
} from "npm:@zip.js/zip.js@2.24.0";

configure({ useWebWorkers: false }); // a directory is read in milliseconds

/** Reads `length` bytes from `offset` on. */
export type ReadBytes = (offset: number, length: number) => Promise<Uint8Array>;

/** What a zip's directory says about a file in it. */
export interface ZipEntry {
  /** The path as it is written there. */
  readonly path: string;
  /** Where its local header begins. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** Bytes as they are stored. */
  readonly compressedSize: number;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  /** CRC-32 of the bytes. */
  readonly crc32: number;
  /** Whether a password is needed. */
  readonly encrypted: boolean;
  /** Whether its bytes are the path to which it leads. */
  readonly isSymbolicLink: boolean;
}

/** A local header before its name. */
const LOCAL_HEADER_BYTES = 30;
const LOCAL_HEADER_SIGNATURE = 0x04034b50;

/** What the library says of damaged archives, in plain words. */
const REASONS: Readonly<Record<string, string>> = {
  [ERR_BAD_FORMAT]: "it is no zip archive",
  [ERR_EOCDR_NOT_FOUND]: "its end is missing",
  [ERR_EOCDR_LOCATOR_ZIP64_NOT_FOUND]: "its end is missing",
  [ERR_CENTRAL_DIRECTORY_NOT_FOUND]: "its directory is damaged",
  [ERR_EXTRAFIELD_ZIP64_NOT_FOUND]: "its directory is damaged",
  [ERR_AMBIGUOUS_ARCHIVE]: "its directory is damaged",
  [ERR_SPLIT_ZIP_FILE]: "it is one part of a split archive",
};

class RangeReader extends Reader<ReadBytes> {
  readonly #read: ReadBytes;
  constructor(read: ReadBytes, size: number) {
    super(read);
    this.#read = read;
    this.size = size;
  }
  override readUint8Array(offset: number, length: number): Promise<Uint8Array> {
    const end = Math.min(offset + length, this.size);
    return this.#read(offset, Math.max(0, end - offset));
  }
}

/**
 * Gives the files that a zip's directory names, in its order.
 *
 * @param size Bytes of the archive.
 * @throws {Error} If the directory is missing or damaged.
 */
export async function* readZipEntries(
  read: ReadBytes,
  size: number,
): AsyncGenerator<ZipEntry> {
  // The caller checks whether paths lead out of the archive.
  const options = { filenameValidation: "tolerant" } as const;
  const zip = new ZipReader(new RangeReader(read, size), options);
  try {
    for await (const entry of zip.getEntriesGenerator()) {
      if (entry.directory) continue;
      yield {
        path: entry.filename,
        offset: entry.offset,
        size: entry.uncompressedSize,
        compressedSize: entry.compressedSize,
        method: entry.compressionMethod,
        crc32: entry.signature ?? 0,
        encrypted: entry.encrypted,
        isSymbolicLink: entry.symlink,
      };
    }
  } catch (error) {
    const reason = error instanceof Error ? REASONS[error.message] : undefined;
    throw reason === undefined ? error : new Error(reason, { cause: error });
  } finally {
    await zip.close();
  }
}

/**
 * Finds the bytes of an entry, which follow its local header.
 *
 * Source: PKWARE, APPNOTE.TXT 6.3.10, section 4.3.7.
 *
 * @param size Bytes of the archive.
 * @param reject Throws an error about the entry; the reason is the end of its sentence.
 * @returns The position of its first byte.
 */
export async function locateEntryData(
  read: ReadBytes,
  { offset, compressedSize }: Pick<ZipEntry, "offset" | "compressedSize">,
  size: number,
  reject: (reason: string) => never,
): Promise<number> {
  if (offset + LOCAL_HEADER_BYTES > size) return reject("is cut short");
  const header = await read(offset, LOCAL_HEADER_BYTES);
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  if (view.getUint32(0, true) !== LOCAL_HEADER_SIGNATURE) {
    return reject("does not begin where the directory says");
  }
  const start = offset + LOCAL_HEADER_BYTES + view.getUint16(26, true) +
    view.getUint16(28, true);
  return start + compressedSize > size ? reject("is cut short") : start;
}

const STORED = 0;
const DEFLATED = 8;

const inflate = promisify(inflateRaw) as (
  packed: Uint8Array,
  options: { maxOutputLength: number },
) => Promise<Uint8Array>;

/** Whether {@linkcode readEntryData} can unpack an entry. */
export const canUnpack = ({ method }: Pick<ZipEntry, "method">): boolean =>
  method === STORED || method === DEFLATED;

/**
 * Reads an entry, unpacks it and compares its checksum.
 *
 * @param size Bytes of the archive.
 * @param reject Throws an error about the entry; the reason is the end of its sentence.
 */
export async function readEntryData(
  read: ReadBytes,
  entry:
    & Pick<ZipEntry, "offset" | "size" | "compressedSize" | "method">
    & { readonly crc32: number | null },
  size: number,
  reject: (reason: string) => never,
): Promise<Uint8Array> {
  const { method, compressedSize } = entry;
  if (!canUnpack(entry)) {
    return reject(
      `is packed by method ${method}, which is neither stored nor deflated; unpack the ` +
        "archive with its own program",
    );
  }
  const start = await locateEntryData(read, entry, size, reject);
  const stored = await read(start, compressedSize);
  const bytes = method === STORED
    ? stored
    : await inflate(stored, { maxOutputLength: Math.max(1, entry.size) })
      // The methods of Node's Buffer differ from those of its class.
      .then(
        ({ buffer, byteOffset, length }) => new Uint8Array(buffer, byteOffset, length),
        () => reject("is damaged"),
      );
  if (bytes.length !== entry.size || crc32(bytes) !== entry.crc32) {
    reject("is damaged: the checksum does not fit");
  }
  return bytes;
}
