/** A partial download: bytes in `<file>.part`, state in `<file>.part.json`. @module */

import { dirname } from "node:path";
import { fileWriteError } from "../io/file_errors.ts";
import { openLocked } from "../io/file_lock.ts";
import { syncFolder, writeAtomic } from "../io/write_atomic.ts";

/** What the bytes of a partial file belong to. */
export interface PartialState {
  /** A hash of the address, which may hold secrets. */
  readonly source: string;
  /** A strong entity tag or a date: bytes with equal validators belong together. */
  readonly validator: string | null;
  /** Bytes of the whole file; null: not announced. */
  readonly total: number | null;
}

/** A partial file, locked by one process at a time. */
export interface PartialFile {
  /** Its path until it is complete. */
  readonly path: string;
  /** Bytes so far. */
  readonly size: number;
  /** What the bytes belong to; null if there are none. */
  readonly state: PartialState | null;
  /** Deletes all bytes and begins a file with the given state. */
  restart(state: PartialState): Promise<void>;
  /** Appends bytes. */
  append(bytes: Uint8Array): Promise<void>;
  /** Deletes all bytes. */
  clear(): Promise<void>;
  /** Gives the file its final name, durably, and closes it. */
  commit(): Promise<void>;
  /** Removes the partial file and closes it. */
  remove(): Promise<void>;
  /** Closes the file and keeps it for the next start. Harmless after the others. */
  close(): void;
}

/** Another process is downloading the same file. */
export class DownloadInProgressError extends Error {
  override readonly name = "DownloadInProgressError";
}

async function readState(path: string): Promise<PartialState | null> {
  try {
    const { source, validator, total } = JSON.parse(await Deno.readTextFile(path));
    const isValid = typeof source === "string" &&
      (validator === null || typeof validator === "string") &&
      (total === null || Number.isSafeInteger(total));
    return isValid ? { source, validator, total } : null;
  } catch {
    return null; // absent or truncated by a crash: the download starts over
  }
}

async function openPartial(path: string): Promise<Deno.FsFile> {
  const file = await openLocked(path);
  if (file !== null) return file;
  throw new DownloadInProgressError(
    `Cannot write "${path}": another process is downloading this file; ` +
      "wait until it has finished",
  );
}

/**
 * Opens the partial file that an earlier start left, or a new one.
 *
 * @param final Path of the finished file; its folder must exist.
 * @throws {DownloadInProgressError} If another process has locked it.
 * @throws {Error} Naming the file and the cure, if the system refuses to write.
 */
export async function openPartialFile(final: string): Promise<PartialFile> {
  const path = `${final}.part`;
  const statePath = `${path}.json`;
  const withWriteError = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error) => {
      throw error instanceof DownloadInProgressError
        ? error
        : fileWriteError(path, error);
    });
  const file = await withWriteError(openPartial(path));
  let closed = false;
  const close = () => {
    if (!closed) file.close();
    closed = true;
  };
  let size = await file.seek(0, Deno.SeekMode.End);
  let state = size === 0 ? null : await readState(statePath);
  if (state === null) size = 0;
  const clear = async () => {
    await Deno.remove(statePath).catch(() => {}); // it may not exist
    await withWriteError(file.truncate(0));
    await file.seek(0, Deno.SeekMode.Start);
    state = null;
    size = 0;
  };
  return {
    path,
    get size() {
      return size;
    },
    get state() {
      return state;
    },
    async restart(next) {
      await clear(); // before the state: it must not describe other bytes
      await writeAtomic(statePath, `${JSON.stringify(next)}\n`);
      state = next;
    },
    async append(bytes) {
      for (let written = 0; written < bytes.length;) {
        const count = await withWriteError(file.write(bytes.subarray(written)));
        written += count;
        size += count;
      }
    },
    clear,
    async commit() {
      await withWriteError(file.sync());
      // Windows cannot rename an open file. Elsewhere the lock is kept during the rename.
      if (Deno.build.os === "windows") close();
      await withWriteError(Deno.rename(path, final));
      await Deno.remove(statePath).catch(() => {});
      await syncFolder(dirname(final));
      close();
    },
    async remove() {
      if (Deno.build.os === "windows") close();
      await Promise.allSettled([path, statePath].map((one) => Deno.remove(one)));
      close();
    },
    close,
  };
}
