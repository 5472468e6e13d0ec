/** The one folder in which commands keep what they found out about data sets. @module */

import { access, constants, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * `$XDG_CACHE_HOME/fst`, else `~/.cache/fst` (on Windows `%LOCALAPPDATA%\fst`).
 *
 * @returns Null where the environment names no such place, or it may not be written to.
 * Nothing is made.
 */
export async function cacheFolder(
  variable: (name: string) => string | undefined = (name) => Deno.env.get(name),
): Promise<string | null> {
  const named = (name: string) => variable(name) || null;
  const home = named("HOME");
  const caches = named("XDG_CACHE_HOME") ?? named("LOCALAPPDATA") ??
    (home && join(home, ".cache"));
  if (caches === null) return null;
  const folder = join(caches, "fst");
  return await canBeMade(folder) ? folder : null;
}

// A folder can be made where the first one above it that exists may be written to.
async function canBeMade(folder: string): Promise<boolean> {
  for (let at = folder;; at = dirname(at)) {
    const info = await stat(at).catch(() => null);
    if (info === null && dirname(at) !== at) continue;
    if (info === null || !info.isDirectory()) return false;
    return await access(at, constants.W_OK).then(() => true, () => false);
  }
}
