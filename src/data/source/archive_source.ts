/** Files in an archive, which stays packed. @module */

import type { ArchiveIndex, Member } from "./archive_index.ts";
import { below, type FileSource, locateInTurn } from "./file_source.ts";
import type { RandomFile } from "./random_file.ts";

/** Gives the bytes of a member. */
export type ReadMember = (
  file: RandomFile,
  path: string,
  member: Member,
) => Promise<Uint8Array>;

/** Makes a source of an archive and its index. */
export function archiveSource(
  file: RandomFile,
  index: ArchiveIndex,
  readMember: ReadMember,
): FileSource {
  const paths = [...index.keys()].sort();
  const inside = (folder: string) => {
    const prefix = below(folder, "") === "" ? "" : `${folder}/`;
    const found = paths.filter((path) => path.startsWith(prefix))
      .map((path) => path.slice(prefix.length));
    return found.length === 0 && folder !== "" ? null : found;
  };
  const address = (path: string) => `${file.name}/${path}`;
  const memberAt = (path: string): Member => {
    const member = index.get(path);
    if (member !== undefined) return member;
    throw new Error(`Cannot read "${address(path)}": there is no such file`);
  };
  const source: FileSource = {
    name: file.name,
    address,
    locate: (folders) => locateInTurn(source, folders),
    list: (folder) => Promise.resolve(inside(folder)),
    children(folder) {
      const found = inside(folder)?.map((path) => path.replace(/\/.*$/, "")) ?? null;
      return Promise.resolve(found && [...new Set(found)]);
    },
    // Whoever asks for a missing file hears of it as a rejection.
    read: async (path) => await readMember(file, path, memberAt(path)),
    fingerprint(path) {
      const { size, crc } = memberAt(path);
      return Promise.resolve(crc === null ? `${file.fingerprint}` : `${size} ${crc}`);
    },
  };
  return source;
}
