/** Parts of a file, so that a large one is never in memory as a whole. @module */

import { type FileHandle, open } from "node:fs/promises";
import type { Refuse } from "./torch_values.ts";

/** An open file. */
export interface FileBytes {
  /** Bytes of the file when it was opened. */
  readonly size: number;
  /** Says why the file cannot be read: throws a SyntaxError with its name. */
  readonly refuse: Refuse;
  /** Reads `length` bytes from `start`; refuses a part that is not there. */
  read(start: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Releases the file. */
  close(): Promise<void>;
}

async function readFully(
  handle: FileHandle,
  bytes: Uint8Array,
  start: number,
): Promise<boolean> {
  for (let done = 0; done < bytes.length;) {
    const { bytesRead } = await handle.read(
      bytes,
      done,
      bytes.length - done,
      start + done,
    );
    if (bytesRead === 0) return false;
    done += bytesRead;
  }
  return true;
}

async function openHandle(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (!missing) throw error;
    throw new Deno.errors.NotFound(`Cannot read "${path}": there is no such file`);
  }
}

/**
 * Opens a file for reading in parts. The caller closes it.
 *
 * @throws {Deno.errors.NotFound} If there is no such file.
 * @throws {SyntaxError} If it is no file.
 */
export async function openBytes(path: string): Promise<FileBytes> {
  const refuse: Refuse = (reason) => {
    throw new SyntaxError(`Cannot read "${path}": ${reason}`);
  };
  const handle = await openHandle(path);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) refuse("it is no file");
    const { size } = stat;
    return {
      size,
      refuse,
      async read(start, length) {
        if (length > size - start) {
          refuse(
            `it is cut off: the bytes ${start} to ${start + length} are needed and it ` +
              `has ${size}`,
          );
        }
        const bytes = new Uint8Array(length);
        const whole = await readFully(handle, bytes, start);
        return whole ? bytes : refuse("it became shorter while it was read");
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
