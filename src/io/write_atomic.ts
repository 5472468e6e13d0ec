/** Files that exist whole or not at all. @module */

import { basename, dirname, join } from "node:path";
import { fileWriteError } from "./file_errors.ts";

async function writeFully(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await file.write(bytes.subarray(written));
  }
}

/**
 * Makes a rename survive a power failure where the system can: Windows does not open
 * folders and some network file systems do not sync them; the file is whole either way.
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
 * Writes a file so that its name always refers to a complete file: the bytes go to
 * `.<name>.partial` in the same folder (`.<name>.<UUID>.partial` for a cache), which is
 * then renamed.
 *
 * If anything fails, the old file stays and the partial file is removed. The partial file
 * of a durable write that crashed is overwritten by the next write.
 *
 * @param path The folder must exist.
 * @param contents A text, or the bytes in order.
 * @param isDurable Whether the file must survive a power failure, as checkpoints must and
 * caches need not. A durable file has one writer; any number of processes may write a
 * cache.
 * @throws {Error} Naming the file and the cure; the cause is the system's own error.
 */
export async function writeAtomic(
  path: string,
  contents: string | Iterable<Uint8Array>,
  { isDurable = true }: { readonly isDurable?: boolean } = {},
): Promise<void> {
  const folder = dirname(path);
  const infix = isDurable ? "" : `.${crypto.randomUUID()}`;
  const temporaryPath = join(folder, `.${basename(path)}${infix}.partial`);
  const chunks = typeof contents === "string"
    ? [new TextEncoder().encode(contents)]
    : contents;
  try {
    {
      using file = await Deno.open(temporaryPath, {
        write: true,
        create: true,
        truncate: true,
      });
      for (const chunk of chunks) await writeFully(file, chunk);
      if (isDurable) await file.sync();
    }
    await Deno.rename(temporaryPath, path);
    if (isDurable) await syncFolder(folder);
  } catch (error) {
    await Deno.remove(temporaryPath).catch(() => {}); // it may not exist
    throw fileWriteError(path, error);
  }
}
