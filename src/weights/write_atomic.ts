/** Files that are there whole or not at all. @module */

import { basename, dirname, join } from "node:path";
import { writeError } from "../core/write_error.ts";

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await file.write(bytes.subarray(written));
  }
}

/**
 * Makes a rename last through a power failure, where the system can: Windows does not open
 * folders, some network file systems do not sync them, and the file is whole either way.
 */
export async function syncFolder(folder: string): Promise<void> {
  try {
    using handle = await Deno.open(folder);
    await handle.sync();
  } catch {
    // see above
  }
}

/**
 * Writes a file so that its name always leads to a whole one: the bytes go to
 * `.<name>.partial` in the same folder and onto the disk, then take over the name.
 *
 * If anything fails, the old file stays and the partial one is removed; one that a crash
 * has left behind is overwritten.
 *
 * @param path The folder must exist.
 * @param chunks The contents, in order.
 * @throws {Error} Naming the file and the cure; the cause is the system's own error.
 */
export async function writeAtomic(
  path: string,
  chunks: Iterable<Uint8Array>,
): Promise<void> {
  const folder = dirname(path);
  const partial = join(folder, `.${basename(path)}.partial`);
  try {
    {
      using file = await Deno.open(partial, {
        write: true,
        create: true,
        truncate: true,
      });
      for (const chunk of chunks) await writeAll(file, chunk);
      await file.sync();
    }
    await Deno.rename(partial, path);
    await syncFolder(folder);
  } catch (error) {
    await Deno.remove(partial).catch(() => {}); // it may not have come into being
    throw writeError(path, error);
  }
}
