/** Files whose parts are read in any order. @module */

import { stat } from "node:fs/promises";
import { fileReadError } from "./file_errors.ts";
import { openRandomAccessFile } from "./random_access_file.ts";

/** Reads exactly `length` bytes from `offset` on. */
export type ReadRange = (offset: number, length: number) => Promise<Uint8Array>;

/** An archive, on a disk or on a server. */
export interface RangedFile {
  /** For messages. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** Changes whenever the file may have changed. */
  readonly fingerprint: string;
  /** Whether reading it asks a server. */
  readonly isRemote: boolean;
  /** Bytes to read ahead where only a few are needed. */
  readonly readAheadBytes: number;
  /**
   * Lends a reader, which ends with `use`.
   *
   * @throws {Error} Naming the file, if a part of it cannot be read.
   */
  withReader<T>(use: (read: ReadRange) => Promise<T>): Promise<T>;
}

/** Opens a file on a disk. @throws {Deno.errors.NotFound} If it is missing. */
export async function openDiskFile(path: string): Promise<RangedFile> {
  const { size, mtimeMs } = await stat(path).catch((error) => {
    throw fileReadError(path, error);
  });
  return {
    name: path,
    size,
    fingerprint: `${size} ${mtimeMs}`,
    isRemote: false,
    readAheadBytes: 512,
    async withReader(use) {
      // Opened for each use: an open takes microseconds, and data sets need no closing.
      await using file = await openRandomAccessFile(path);
      return await use(file.read);
    },
  };
}
