/** Files of which parts are read in any order. @module */

import { open, stat } from "node:fs/promises";
import { reasonOf } from "./file_source.ts";

/** Reads exactly `length` bytes from `offset` on. */
export type ReadRange = (offset: number, length: number) => Promise<Uint8Array>;

/** An archive, on a disk or on a server. */
export interface RandomFile {
  /** For messages. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** Changes whenever the file may have changed. */
  readonly fingerprint: string;
  /** How many bytes are worth asking for where only a few are needed. */
  readonly window: number;
  /**
   * Lends a reader, which ends with `use`.
   *
   * @throws {Error} Naming the file, if a part of it cannot be read.
   */
  with<T>(use: (read: ReadRange) => Promise<T>): Promise<T>;
}

/** Opens a file on a disk. @throws {Error} If it is missing. */
export async function diskFile(path: string): Promise<RandomFile> {
  const fail = (error: unknown) =>
    new Error(`Cannot read "${path}": ${reasonOf(error)}`, { cause: error });
  const { size, mtimeMs } = await stat(path).catch((error) => {
    throw fail(error);
  });
  return {
    name: path,
    size,
    fingerprint: `${size} ${mtimeMs}`,
    window: 512,
    async with(use) {
      // Opened anew each time: an open takes microseconds, and nobody has to close a data set.
      const handle = await open(path).catch((error) => {
        throw fail(error);
      });
      try {
        return await use(async (offset, length) => {
          const bytes = new Uint8Array(length);
          for (let done = 0; done < length;) {
            const { bytesRead } = await handle
              .read(bytes, done, length - done, offset + done)
              .catch((error) => {
                throw fail(error);
              });
            if (bytesRead === 0) throw fail(new Error("it ends early: is it complete?"));
            done += bytesRead;
          }
          return bytes;
        });
      } finally {
        await handle.close();
      }
    },
  };
}
