/** The home folder in paths, where no shell has put it. @module */

import { join } from "node:path";
import { environmentVariable } from "../core/environment.ts";

/**
 * Writes out "~" in front of a path, which a shell leaves as it is in
 * `--set data.root=~/data`.
 *
 * @param variable Gives a variable of the environment.
 * @throws {RangeError} If it is the home folder of somebody else, or not known.
 */
export function expandHome(
  path: string,
  variable: (name: string) => string | undefined = environmentVariable,
): string {
  if (!path.startsWith("~")) return path;
  const [user = "", ...rest] = path.split(/[\\/]/);
  const home = user === "~" ? variable("HOME") || variable("USERPROFILE") : undefined;
  if (home) return join(home, ...rest);
  throw new RangeError(
    `Cannot use "${path}": which folder "${user}" is, is not known: write the path out`,
  );
}
