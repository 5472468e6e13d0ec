/** Locks on files, which end with the process that holds them, however it ends. @module */

/**
 * Opens and locks a file, which is made if it is missing.
 *
 * @param wait Whether to wait while another holder has it.
 * @returns The open file, whose closing ends the lock; null if another process, or another
 * call in this one, holds it.
 */
export async function openLocked(
  path: string,
  { wait = false }: { readonly wait?: boolean } = {},
): Promise<Deno.FsFile | null> {
  for (;;) {
    const file = await Deno.open(path, { read: true, write: true, create: true });
    try {
      if (wait) await file.lock(true);
      else if (!await file.tryLock(true)) {
        file.close();
        return null;
      }
      // Its holder before may have renamed or removed it since it was opened.
      const named = await Deno.stat(path).catch(() => null);
      if (named !== null && (await file.stat()).ino === named.ino) return file;
    } catch (error) {
      file.close();
      throw error;
    }
    file.close();
  }
}
