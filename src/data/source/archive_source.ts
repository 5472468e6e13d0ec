/** Files in an archive, which stays packed, and its index: what is where in it. @module */

import { cachedResult } from "../../io/cached_result.ts";
import type { RangedFile } from "../../io/ranged_file.ts";
import {
  END_BYTES,
  type FileSource,
  findFirstFolder,
  isHidden,
  isInFolder,
  isRelativePath,
  quoteNames,
} from "./file_source.ts";

/** A file in an archive. */
export interface ArchiveMember {
  /** Where its bytes, or in a zip its local header, begin. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** Bytes as they are stored. */
  readonly compressedSize: number;
  /** How they are stored: 0 as is, 8 deflated. */
  readonly method: number;
  /** CRC-32 of the bytes; null where the archive has none. */
  readonly crc32: number | null;
}

/** What is in an archive. */
export interface ArchiveIndex {
  readonly members: ReadonlyMap<string, ArchiveMember>;
  /** Links and other members that give no file, by their paths, and why. */
  readonly broken: ReadonlyMap<string, string>;
}

const indexes = new Map<string, Promise<ArchiveIndex>>();

/** More than the largest image as a PNG; a deflated member may have a thousandth of it. */
const MAX_MEMBER_BYTES = 2 ** 30;

/** Indexes are made anew after a change of what is in them. */
const INDEX_VERSION = 2;

/**
 * Gives the index of an archive, which is made once per process, and only once in all where
 * there is a cache folder.
 *
 * @param buildIndex Reads the archive.
 */
export function loadArchiveIndex(
  file: RangedFile,
  cacheFolder: string | null,
  buildIndex: (file: RangedFile) => Promise<ArchiveIndex>,
): Promise<ArchiveIndex> {
  const key = `${INDEX_VERSION}\n${file.name}\n${file.fingerprint}`;
  const existing = indexes.get(key);
  if (existing !== undefined) return existing;
  const make = () => buildIndex(file);
  const index = cachedResult(cacheFolder, "archive_index", key, make, INDEX_CODEC)
    .then(({ value }) => value);
  indexes.set(key, index);
  index.catch(() => indexes.delete(key)); // the next try may succeed
  return index;
}

/** An index as JSON. */
interface IndexJson {
  readonly members:
    readonly (readonly [string, number, number, number, number, number | null])[];
  readonly broken: readonly (readonly [string, string])[];
}

const INDEX_CODEC = {
  encode: ({ members, broken }: ArchiveIndex): IndexJson => ({
    members: [...members].map((
      [path, { offset, size, compressedSize, method, crc32 }],
    ) => [path, offset, size, compressedSize, method, crc32]),
    broken: [...broken],
  }),
  decode: ({ members, broken }: IndexJson): ArchiveIndex => ({
    members: new Map(
      members.map(([path, offset, size, compressedSize, method, crc32]) => [
        path,
        { offset, size, compressedSize, method, crc32 },
      ]),
    ),
    broken: new Map(broken),
  }),
};

/**
 * A member's path as sources give it. One without a slash has backslashes between its
 * folders, as tools for Windows write them.
 *
 * @param archive For the message.
 * @returns Without "./" in front and empty parts.
 * @throws {SyntaxError} If it leads out of the archive's folder.
 */
export function validatedMemberPath(path: string, archive: string): string {
  const memberPath = withSlashes(path);
  if (isRelativePath(memberPath)) {
    return memberPath.split("/").filter((part) => part !== "" && part !== ".").join("/");
  }
  throw new SyntaxError(
    `Cannot use the archive "${archive}": its member ${quoteNames([path])} leads ` +
      "out of its folder: do not trust this archive",
  );
}

/** A path in an archive with slashes between its folders, whatever wrote it. */
export const withSlashes = (path: string): string =>
  path.includes("/") ? path : path.replaceAll("\\", "/");

/** A sentence about an archive that is damaged. */
export const damagedArchiveError = (archive: string, reason: string): SyntaxError =>
  new SyntaxError(
    `Cannot read the archive "${archive}": ${reason}: is it complete? copy or download ` +
      "it again",
  );

/** Gives the bytes of a member. */
export type ReadMember = (
  file: RangedFile,
  path: string,
  member: ArchiveMember,
) => Promise<Uint8Array>;

/**
 * Opens an archive.
 *
 * @param cacheFolder Where its index is cached; null for nowhere.
 */
export async function openArchiveSource(
  file: RangedFile,
  cacheFolder: string | null,
  buildIndex: (file: RangedFile) => Promise<ArchiveIndex>,
  readMember: ReadMember,
): Promise<FileSource> {
  const { members, broken } = await loadArchiveIndex(file, cacheFolder, buildIndex);
  const paths = [...members.keys()].sort();
  const pathsBelow = (folder: string) => {
    const prefix = folder === "" ? "" : `${folder}/`;
    const found = paths.filter((path) => path.startsWith(prefix))
      .map((path) => path.slice(prefix.length));
    return found.length === 0 && folder !== "" ? null : found;
  };
  const displayPath = (path: string) => `${file.name}/${path}`;
  const memberAt = (path: string): ArchiveMember => {
    const member = members.get(path);
    if (member !== undefined) return member;
    throw new Error(`Cannot read "${displayPath(path)}": there is no such file`);
  };
  const source: FileSource = {
    name: file.name,
    displayPath,
    findFirst: (folders) => findFirstFolder(source, folders),
    list: (folder) => Promise.resolve(pathsBelow(folder)),
    listChildren(folder) {
      const found = pathsBelow(folder)?.map((path) => path.replace(/\/.*$/, "")) ?? null;
      return Promise.resolve(found && [...new Set(found)]);
    },
    async read(path) {
      const member = memberAt(path);
      if (member.size > MAX_MEMBER_BYTES) {
        throw new RangeError(
          `Cannot read "${displayPath(path)}": it has ${member.size} bytes, and ` +
            `${MAX_MEMBER_BYTES} are the most that an image or a label may have`,
        );
      }
      return await readMember(file, path, member);
    },
    fingerprint(path) {
      const { size, crc32 } = memberAt(path);
      return Promise.resolve(crc32 === null ? `${file.fingerprint}` : `${size} ${crc32}`);
    },
    size: (path) => Promise.resolve(memberAt(path).size),
    knownCrc32: (path) => memberAt(path).crc32,
    async readEnd(path) {
      const { size, crc32, offset } = memberAt(path);
      if (crc32 !== null || file.isRemote) return null; // without a CRC, bytes lie as is
      const length = Math.min(size, END_BYTES);
      return await file.withReader((read) => read(offset + size - length, length));
    },
    remarks: (folder) =>
      [...broken].filter(([path]) => isInFolder(path, folder) && !isHidden(path)).map((
        [path, reason],
      ) => ({
        message: `"${displayPath(path)}" ${reason}`,
        isProblem: true,
      })),
  };
  return source;
}
