/**
 * Tar archives: headers are read once, one after the other, and the files between them
 * when they are needed.
 *
 * @module
 */

import {
  NO_EXTENDED_HEADERS,
  readTarExtendedHeader,
  readTarHeader,
  SparseFileError,
  TAR_BLOCK,
  type TarExtendedHeaders,
} from "../../formats/tar.ts";
import { errorReason } from "../../io/file_errors.ts";
import type { RangedFile, ReadRange } from "../../io/ranged_file.ts";
import { followLinks, type SymbolicLink } from "./archive_links.ts";
import {
  type ArchiveIndex,
  type ArchiveMember,
  damagedArchiveError,
  openArchiveSource,
  validatedMemberPath,
  withSlashes,
} from "./archive_source.ts";
import { type FileSource, isRelativePath } from "./file_source.ts";

/** The longest list of long names that is accepted, in bytes. */
const MAX_NAME_BYTES = 1 << 20;

/** Opens a tar archive. @throws {SyntaxError} If it is cut short, damaged or compressed. */
export const openTarSource = (
  file: RangedFile,
  cacheFolder: string | null,
): Promise<FileSource> =>
  openArchiveSource(
    file,
    cacheFolder,
    indexTar,
    (file, _, { offset, size }) => file.withReader((read) => read(offset, size)),
  );

function indexTar(file: RangedFile): Promise<ArchiveIndex> {
  return file.withReader(async (read) => {
    const bufferedRead = createBufferedReader(file, read);
    const entries: TarEntries = new Map();
    const unresolved: HardLink[] = [];
    const broken = new Map<string, string>();
    let overrides: TarExtendedHeaders = NO_EXTENDED_HEADERS;
    for (let at = 0;;) {
      if (at + TAR_BLOCK > file.size) {
        throw damagedArchiveError(file.name, "it is cut short");
      }
      const header = parseHeader(file, await bufferedRead(at, TAR_BLOCK), overrides);
      if (header === null) {
        if (overrides.next === null) break;
        throw damagedArchiveError(file.name, "a member lacks its header");
      }
      const start = at + TAR_BLOCK;
      const end = start + header.size;
      if (end > file.size) {
        throw damagedArchiveError(file.name, `it is cut short in "${header.path}"`);
      }
      if (header.kind === "extended-header") {
        if (header.size > MAX_NAME_BYTES) {
          throw damagedArchiveError(file.name, "a name is too long");
        }
        overrides = readTarExtendedHeader(
          header.type,
          await bufferedRead(start, header.size),
          overrides,
        );
      } else {
        if (header.kind !== null) {
          const path = validatedMemberPath(header.path, file.name);
          const { kind, size, linkPath } = header;
          // Of two members with one path, unpacking leaves the last.
          if (kind === "file") {
            const stored = { compressedSize: size, method: 0, crc32: null };
            entries.set(path, { offset: start, size, ...stored });
          } else if (kind === "symbolic-link") {
            entries.set(path, { target: withSlashes(linkPath) });
          } else if (kind === "special") {
            broken.set(path, "is a device, a pipe or a part of a file of another volume");
          } else if (!addHardLink(entries, { path, linkPath })) {
            unresolved.push({ path, linkPath });
          }
        }
        overrides = { ...NO_EXTENDED_HEADERS, global: overrides.global };
      }
      at = start + Math.ceil(header.size / TAR_BLOCK) * TAR_BLOCK;
    }
    addForwardLinks(entries, unresolved, broken);
    const followed = followLinks(entries, file.name);
    return {
      members: followed.members,
      broken: new Map([...broken, ...followed.broken]),
    };
  });
}

type TarEntries = Map<string, ArchiveMember | SymbolicLink>;

/** A second name of a file: its path, and that of the first name from the archive's top. */
interface HardLink {
  readonly path: string;
  readonly linkPath: string;
}

/** The path to which a hard link leads; null: out of the archive. */
const targetOf = ({ linkPath }: HardLink): string | null =>
  isRelativePath(linkPath) ? validatedMemberPath(linkPath, "") : null;

function addHardLink(entries: TarEntries, link: HardLink): boolean {
  const entry = entries.get(targetOf(link) ?? "");
  if (entry !== undefined) entries.set(link.path, entry);
  return entry !== undefined;
}

// Links to members that come later, and to such links; what is left leads nowhere.
function addForwardLinks(
  entries: TarEntries,
  links: readonly HardLink[],
  broken: Map<string, string>,
): void {
  const byPath = new Map(links.map((link) => [link.path, link]));
  for (const first of links) {
    const chain: HardLink[] = [];
    let link: HardLink | undefined = first;
    while (link !== undefined && !entries.has(link.path)) {
      byPath.delete(link.path); // each is walked along once
      chain.push(link);
      link = byPath.get(targetOf(link) ?? "");
    }
    for (const one of chain.toReversed()) {
      if (addHardLink(entries, one)) continue;
      const { path, linkPath } = one;
      broken.set(path, `is a hard link to "${linkPath}", which is not in the archive`);
    }
  }
}

function parseHeader(file: RangedFile, block: Uint8Array, overrides: TarExtendedHeaders) {
  if (block[0] === 0x1f && block[1] === 0x8b) {
    throw new SyntaxError(
      `Cannot read the archive "${file.name}": it is compressed as a whole, so that no ` +
        "file in it can be found without unpacking it entirely: decompress it first (gunzip)",
    );
  }
  try {
    return readTarHeader(block, overrides);
  } catch (error) {
    if (error instanceof SparseFileError) {
      throw new SyntaxError(
        `Cannot read the archive "${file.name}": its member "${error.path}" is stored ` +
          "without its holes (sparse): unpack it and name the folder, or pack it without -S",
      );
    }
    throw damagedArchiveError(file.name, errorReason(error));
  }
}

// Headers of small files lie close together: one answer of a server holds many.
function createBufferedReader(file: RangedFile, read: ReadRange): ReadRange {
  let start = 0;
  let bytes: Uint8Array = new Uint8Array();
  return async (offset, length) => {
    if (offset < start || offset + length > start + bytes.length) {
      const wanted = Math.min(Math.max(length, file.readAheadBytes), file.size - offset);
      bytes = await read(offset, wanted);
      start = offset;
    }
    return bytes.subarray(offset - start, offset - start + length);
  };
}
