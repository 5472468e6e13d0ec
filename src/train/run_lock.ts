/** One process at a time per run folder. @module */
import { errorReason, isNotFound } from "../io/file_errors.ts";
import { openLocked } from "../io/file_lock.ts";
import { dirname, join, resolve } from "node:path";

/** In a run's folder; locked by the process that trains there, while it does. */
export const LOCK_FILE = ".lock";

/** A run folder that no other process may use; disposing of it ends that. */
export interface RunLock extends AsyncDisposable {
  /**
   * Gives the folder another name and makes an empty one in its place, which is locked from
   * its beginning.
   *
   * @throws {Error} If that is not possible: then the folder keeps its name, unless another
   * process has taken its place.
   */
  moveFolder(name: string): Promise<void>;
  /** Undoes that, and removes what has been made in its place since. */
  moveFolderBack(name: string): Promise<void>;
}

/** Who holds a lock. */
interface Holder {
  readonly pid: number;
  readonly host: string;
}

/**
 * Makes a run's folder, and locks it for this process. A process that ends, however it
 * does, holds no lock any more.
 *
 * @throws {Error} At once, if another process uses the folder, or it cannot be made.
 */
export async function lockRunFolder(path: string): Promise<RunLock> {
  const lock = join(path, LOCK_FILE);
  const made = await missingFolders(path);
  try {
    await Deno.mkdir(path, { recursive: true });
  } catch (error) {
    throw unusableFolderError(path, error);
  }
  let file = await openRunLock(path);
  let held = lock; // where its lock is now
  const closesFirst = Deno.build.os === "windows"; // it neither moves nor removes open files
  /** Renames what may hold the lock, which is then taken along into the run's folder. */
  const rename = async (from: string, to: string) => {
    if (closesFirst) file.close();
    try {
      await Deno.rename(from, to);
    } catch (error) {
      if (closesFirst) file = await openRunLock(path);
      throw new Error(`Cannot rename "${from}" to "${to}": ${errorReason(error)}`, {
        cause: error,
      });
    }
    held = join(to, LOCK_FILE);
  };
  /** Refused where another process has locked the new folder since. */
  const follow = async () => {
    const left = held;
    const isLinked = !closesFirst &&
      await Deno.link(left, lock).then(() => true, () => false);
    if (!isLinked) { // there may be a lock, or no links on this disk
      const before = file;
      file = await openRunLock(path);
      if (!closesFirst) before.close();
    }
    held = lock;
    await Deno.remove(left);
  };
  return {
    async moveFolder(name) {
      await rename(path, name);
      try {
        await Deno.mkdir(path, { recursive: true });
        await follow();
      } catch (error) {
        // A folder in which another process is cannot be removed.
        await Deno.remove(path).then(() => rename(name, path)).catch(() => {});
        throw error;
      }
    },
    async moveFolderBack(name) {
      const failed = `${name}.failed`;
      await rename(path, failed);
      await Deno.rename(name, path);
      await follow();
      await Deno.remove(failed, { recursive: true });
    },
    async [Symbol.asyncDispose]() {
      if (closesFirst) file.close();
      await Deno.remove(held).catch(() => {});
      if (!closesFirst) file.close();
      // Of a start that failed nothing remains, but for what another one made in the same
      // instant; a folder with something in it stays.
      for (const folder of made) await Deno.remove(folder).catch(() => {});
    },
  };
}

async function openRunLock(path: string): Promise<Deno.FsFile> {
  const file = await openLocked(join(path, LOCK_FILE)).catch((error) => {
    throw unusableFolderError(path, error);
  });
  if (file === null) throw await inUseError(path);
  const holder: Holder = { pid: Deno.pid, host: hostName() };
  try {
    await file.truncate();
    await file.write(new TextEncoder().encode(JSON.stringify(holder)));
    return file;
  } catch (error) {
    await Deno.remove(join(path, LOCK_FILE)).catch(() => {});
    file.close();
    throw unusableFolderError(path, error);
  }
}

/** The folders that are still to be made for a path, the innermost first. */
async function missingFolders(path: string): Promise<string[]> {
  const missing: string[] = [];
  for (let at = resolve(path);; at = dirname(at)) {
    const isMissing = await Deno.stat(at).then(() => false, isNotFound);
    if (!isMissing) return missing;
    missing.push(at);
  }
}

/** An error about a folder in which nothing can be made. */
export const unusableFolderError = (path: string, error: unknown): Error =>
  new Error(
    `Cannot write into "${path}": ${
      errorReason(error)
    }; choose another folder with --out`,
    { cause: error },
  );

async function inUseError(path: string): Promise<Error> {
  let who = "another process";
  try {
    const { pid, host }: Holder = JSON.parse(
      await Deno.readTextFile(join(path, LOCK_FILE)),
    );
    if (Number.isInteger(pid)) {
      const where = typeof host === "string" && host !== "" && host !== hostName()
        ? ` on "${host}"`
        : "";
      who = pid === Deno.pid && where === ""
        ? "another call in this process"
        : `process ${pid}${where}`;
    }
  } catch {
    // It has not said so yet, or the system keeps locked files to their holder.
  }
  return new Error(
    `Cannot train in "${path}": ${who} is doing so: wait until it has ended, or stop it, ` +
      "or choose another folder with --out",
  );
}

function hostName(): string {
  try {
    return Deno.hostname();
  } catch {
    return ""; // without the right to ask
  }
}
