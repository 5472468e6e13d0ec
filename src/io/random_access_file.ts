/** Reads parts of a file, so that a large file is never in memory as a whole. @module */

import { open } from "node:fs/promises";
import { fileReadError } from "./file_errors.ts";

/** Throws an error that names the file; `reason` completes its sentence. */
export type Reject = (reason: string) => never;

/** An open file; disposing of it closes it. */
export interface RandomAccessFile extends AsyncDisposable {
  /** Size in bytes when the file was opened. */
  readonly size: number;
  /** Throws a SyntaxError with the name of the file. */
  readonly reject: Reject;
  /** Reads `length` bytes from `start`; rejects a range beyond the end. */
  read(start: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Opens a file for reading in parts. The caller disposes of it.
 *
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {SyntaxError} If it is a folder or a device.
 */
export async function openRandomAccessFile(path: string): Promise<RandomAccessFile> {
  const reject: Reject = (reason) => {
    throw new SyntaxError(`Cannot read "${path}": ${reason}`);
  };
  const handle = await open(path, "r").catch((error) => {
    throw fileReadError(path, error);
  });
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) reject("it is no file");
    const { size } = stat;
    return {
      size,
      reject,
      async read(start, length) {
        if (length > size - start) {
          reject(
            `it is cut off: the bytes ${start} to ${start + length} are needed and it ` +
              `has ${size}`,
          );
        }
        const bytes = new Uint8Array(length);
        for (let done = 0; done < length;) {
          const { bytesRead } = await handle.read(
            bytes,
            done,
            length - done,
            start + done,
          );
          if (bytesRead === 0) reject("it became shorter while it was read");
          done += bytesRead;
        }
        return bytes;
      },
      [Symbol.asyncDispose]: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
