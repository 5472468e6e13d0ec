/** The one folder in which commands keep what they found out about data sets. @module */

import { join } from "node:path";

/**
 * `$XDG_CACHE_HOME/fst`, else `~/.cache/fst` (on Windows `%LOCALAPPDATA%\fst`).
 *
 * @returns Null where the environment names no such place.
 */
export function cacheFolder(
  variable: (name: string) => string | undefined = (name) => Deno.env.get(name),
): string | null {
  const named = (name: string) => variable(name) || null;
  const home = named("HOME");
  const caches = named("XDG_CACHE_HOME") ?? named("LOCALAPPDATA") ??
    (home && join(home, ".cache"));
  return caches && join(caches, "fst");
}
