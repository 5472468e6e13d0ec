/** A file that is still on its way: `<file>.part`, and what it is in `<file>.part.json`. @module */

import { dirname } from "node:path";
import { writeError } from "../core/write_error.ts";
import { syncFolder, writeAtomic } from "./write_atomic.ts";

/** What the bytes of a part belong to. */
export interface PartState {
  /** Tells addresses apart without repeating them: they may hold secrets. */
  readonly source: string;
  /** A strong entity tag or a date: bytes with the same one belong together. */
  readonly validator: string | null;
  /** Bytes of the whole file; null: not announced. */
  readonly total: number | null;
}

/** A part of a file, held by one process at a time. */
export interface PartFile {
  readonly path: string;
  /** Bytes so far. */
  readonly size: number;
  /** What they belong to; null: there are none. */
  readonly state: PartState | null;
  /** Throws all bytes away and begins a file of the given state. */
  begin(state: PartState): Promise<void>;
  append(bytes: Uint8Array): Promise<void>;
  /** Throws all bytes away. */
  clear(): Promise<void>;
  /** Gives the file its final name, lastingly, and closes it. */
  finish(): Promise<void>;
  /** Removes the part and closes it. */
  remove(): Promise<void>;
  /** Leaves the part for the next start. Harmless after the others. */
  close(): void;
}

/** Another process is downloading the same file. */
export class BusyError extends Error {
  override readonly name = "BusyError";
}

async function readState(path: string): Promise<PartState | null> {
  try {
    const { source, validator, total } = JSON.parse(await Deno.readTextFile(path));
    const isRight = typeof source === "string" &&
      (validator === null || typeof validator === "string") &&
      (total === null || Number.isSafeInteger(total));
    return isRight ? { source, validator, total } : null;
  } catch {
    return null; // absent or cut off by a crash: what it described starts over
  }
}

/** Opens and locks the part; a rename by another process in between means once more. */
async function openLocked(path: string): Promise<Deno.FsFile> {
  for (;;) {
    const file = await Deno.open(path, { read: true, write: true, create: true });
    try {
      if (!await file.tryLock(true)) {
        throw new BusyError(
          `Cannot write "${path}": another process is downloading this file; ` +
            "wait until it has finished",
        );
      }
      const [held, named] = await Promise.all([
        file.stat(),
        Deno.stat(path).catch(() => null),
      ]);
      if (named !== null && held.ino === named.ino) return file;
    } catch (error) {
      file.close();
      throw error;
    }
    file.close();
  }
}

/**
 * Opens the part of a file, as an earlier start has left it.
 *
 * @param final Path of the finished file; its folder must exist.
 * @throws {BusyError} If another process holds it.
 * @throws {Error} Naming the file and the cure, if the system refuses to write.
 */
export async function openPart(final: string): Promise<PartFile> {
  const path = `${final}.part`;
  const statePath = `${path}.json`;
  const orSentence = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error) => {
      throw error instanceof BusyError ? error : writeError(path, error);
    });
  const file = await orSentence(openLocked(path));
  let closed = false;
  const close = () => {
    if (!closed) file.close();
    closed = true;
  };
  let state = await readState(statePath);
  let size = await file.seek(0, Deno.SeekMode.End);
  if (state === null || size === 0) {
    state = null;
    size = 0;
  }
  const forget = async () => {
    await Deno.remove(statePath).catch(() => {}); // it may not be there
    await orSentence(file.truncate(0));
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
    async begin(next) {
      await forget(); // first the bytes, then what they are: never the wrong way round
      const text = new TextEncoder().encode(`${JSON.stringify(next)}\n`);
      await writeAtomic(statePath, [text]);
      state = next;
    },
    async append(bytes) {
      for (let written = 0; written < bytes.length;) {
        const count = await orSentence(file.write(bytes.subarray(written)));
        written += count;
        size += count;
      }
    },
    clear: forget,
    async finish() {
      await orSentence(file.sync());
      // Windows renames no open file. Elsewhere the lock holds until the name is right.
      if (Deno.build.os === "windows") close();
      await orSentence(Deno.rename(path, final));
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
