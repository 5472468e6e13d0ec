/** A folder as a download left it: unpacked, packed, or some of both. @module */

import { below, type FileSource, locateInTurn } from "./file_source.ts";

/**
 * Adds to a folder what is in the archives that lie in it. What is unpacked counts; the
 * archives are opened when something is not.
 *
 * @param openArchives Opens them; null if there are none.
 */
export function folderWithArchives(
  folder: FileSource,
  openArchives: () => Promise<FileSource | null>,
): FileSource {
  let opened: Promise<FileSource | null> | null = null;
  const archives = () => opened ??= openArchives();
  const packed = new Map<string, FileSource>();
  const homeOf = (path: string) => packed.get(path) ?? folder;
  return {
    name: folder.name,
    async list(path) {
      const loose = await folder.list(path);
      if (loose !== null) return loose;
      const there = await archives();
      const found = await there?.list(path) ?? null;
      if (there !== null) {
        for (const file of found ?? []) packed.set(below(path, file), there);
      }
      return found;
    },
    children: async (path) =>
      await folder.children(path) ?? await (await archives())?.children(path) ?? null,
    locate: async (folders) =>
      await locateInTurn(folder, folders) ??
        await (await archives())?.locate(folders) ?? null,
    read: (path) => homeOf(path).read(path),
    fingerprint: (path) => homeOf(path).fingerprint(path),
    address: (path) => homeOf(path).address(path),
    looseRoot: () => packed.size === 0 ? folder.looseRoot?.() ?? null : null,
  };
}
