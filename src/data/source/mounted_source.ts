/** A source with another one in it, as a folder of its own. @module */

import { below, type FileSource } from "./file_source.ts";

/**
 * Adds a source to another one. Who lists what is above the folder does not see it.
 *
 * @param folder Where it is to be found: a name that the first source does not have.
 */
export function mountedSource(
  source: FileSource,
  folder: string,
  other: FileSource,
): FileSource {
  const insideOf = (path: string): string | null =>
    path === folder
      ? ""
      : path.startsWith(`${folder}/`)
      ? path.slice(folder.length + 1)
      : null;
  const at = <T>(path: string, use: (one: FileSource, path: string) => T): T => {
    const inside = insideOf(path);
    return inside === null ? use(source, path) : use(other, inside);
  };
  return {
    name: source.name,
    list: (path) => at(path, (one, path) => one.list(path)),
    children: (path) => at(path, (one, path) => one.children(path)),
    async locate(folders) {
      const outside = folders.filter((path) => insideOf(path) === null);
      const inside = folders.map(insideOf).filter((path) => path !== null);
      const found = outside.length === 0 ? null : await source.locate(outside);
      if (found !== null || inside.length === 0) return found;
      const there = await other.locate(inside);
      return there === null ? null : below(folder, there);
    },
    read: (path) => at(path, (one, path) => one.read(path)),
    fingerprint: (path) => at(path, (one, path) => one.fingerprint(path)),
    address: (path) => at(path, (one, path) => one.address(path)),
  };
}
