/** The folder in which commands cache what they measure about data sets. @module */

import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { environmentVariable } from "../core/environment.ts";
import { isWritable } from "./permissions.ts";

/**
 * `$XDG_CACHE_HOME/fst`, else `~/.cache/fst` (on Windows `%LOCALAPPDATA%\fst`).
 *
 * @returns Null if the environment names no such folder or it is not writable. Nothing is
 * created.
 */
export async function defaultCacheFolder(
  variable: (name: string) => string | undefined = environmentVariable,
): Promise<string | null> {
  const named = (name: string) => variable(name) || null;
  const home = named("HOME");
  const caches = named("XDG_CACHE_HOME") ?? named("LOCALAPPDATA") ??
    (home && join(home, ".cache"));
  if (caches === null) return null;
  const folder = join(caches, "fst");
  return await canBeCreated(folder) ? folder : null;
}

// A folder can be created if its closest existing ancestor is a writable folder.
async function canBeCreated(folder: string): Promise<boolean> {
  for (let at = folder;; at = dirname(at)) {
    const info = await stat(at).catch(() => null);
    if (info === null && dirname(at) !== at) continue;
    if (info === null || !info.isDirectory()) return false;
    return await isWritable(at);
  }
}
