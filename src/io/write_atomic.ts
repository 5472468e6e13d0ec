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

/** Its name is cut, so that a file with a long one has a draft, too. */
const draftOf = (path: string): string =>
  join(
    dirname(path),
    `.${basename(path).slice(0, 40)}.${crypto.randomUUID()}.partial`,
  );

const DRAFT = /^\..*\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.partial$/;

/**
 * Removes the drafts that processes left which were killed while they wrote.
 *
 * @param age Only those that are older, in milliseconds. Where nobody else writes, 0.
 */
export async function removeDrafts(folder: string, age: number): Promise<void> {
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (!DRAFT.test(name)) continue;
      const path = join(folder, name);
      const { mtime } = await Deno.stat(path);
      if (Date.now() - (mtime?.getTime() ?? 0) >= age) await Deno.remove(path);
    }
  } catch {
    // There is no such folder, or another process was quicker: tidying can wait.
  }
}

/**
 * Writes a file so that its name always refers to a complete file: the bytes go to a draft
 * in the same folder, `.<name>.<UUID>.partial`, which is then renamed. Any number of
 * processes may write one file; the last one's bytes stay.
 *
 * If anything fails, the old file stays and the draft is removed. That of a process which
 * was killed is left to {@linkcode removeDrafts}.
 *
 * @param path The folder must exist.
 * @param contents A text, or the bytes in order.
 * @param isDurable Whether the file must survive a power failure, as checkpoints must and
 * caches need not.
 * @throws {Error} Naming the file and the cure; the cause is the system's own error.
 */
export async function writeAtomic(
  path: string,
  contents: string | Iterable<Uint8Array>,
  { isDurable = true }: { readonly isDurable?: boolean } = {},
): Promise<void> {
  const draft = draftOf(path);
  const chunks = typeof contents === "string"
    ? [new TextEncoder().encode(contents)]
    : contents;
  try {
    {
      using file = await Deno.open(draft, { write: true, createNew: true });
      for (const chunk of chunks) await writeFully(file, chunk);
      if (isDurable) await file.sync();
    }
    await Deno.rename(draft, path);
    if (isDurable) await syncFolder(dirname(path));
  } catch (error) {
    await Deno.remove(draft).catch(() => {}); // it may not exist
    throw fileWriteError(path, error);
  }
}
