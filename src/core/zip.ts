/** Directories of zip archives, zip64 included. The only file that names the library. @module */

import { configure, Reader, ZipReader } from "npm:@zip.js/zip.js@2.24.0";

configure({ useWebWorkers: false }); // a directory is read in milliseconds

/** Reads `length` bytes from `offset` on. */
export type ReadBytes = (offset: number, length: number) => Promise<Uint8Array>;

/** What a zip's directory says about a file in it. */
export interface ZipMember {
  /** The path as it is written there. */
  readonly path: string;
  /** Where its local header begins. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** Bytes as they are stored. */
  readonly packed: number;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  /** CRC-32 of the bytes. */
  readonly crc: number;
  /** Whether a password is needed. */
  readonly encrypted: boolean;
}

class BytesReader extends Reader<ReadBytes> {
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
export async function* zipMembers(
  read: ReadBytes,
  size: number,
): AsyncGenerator<ZipMember> {
  // Whoever takes the paths for files says which of them leads out.
  const options = { filenameValidation: "tolerant" } as const;
  const zip = new ZipReader(new BytesReader(read, size), options);
  try {
    for await (const entry of zip.getEntriesGenerator()) {
      if (entry.directory) continue;
      yield {
        path: entry.filename,
        offset: entry.offset,
        size: entry.uncompressedSize,
        packed: entry.compressedSize,
        method: entry.compressionMethod,
        crc: entry.signature ?? 0,
        encrypted: entry.encrypted,
      };
    }
  } finally {
    await zip.close();
  }
}
