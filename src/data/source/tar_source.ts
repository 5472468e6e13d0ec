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
  TAR_BLOCK,
  type TarExtendedHeaders,
} from "../../formats/tar.ts";
import { errorReason } from "../../io/file_errors.ts";
import type { RangedFile, ReadRange } from "../../io/ranged_file.ts";
import {
  type ArchiveIndex,
  type ArchiveMember,
  damagedArchiveError,
  openArchiveSource,
  validatedMemberPath,
} from "./archive_source.ts";
import type { FileSource } from "./file_source.ts";

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
    const index = new Map<string, ArchiveMember>();
    let overrides: TarExtendedHeaders = NO_EXTENDED_HEADERS;
    for (let at = 0;;) {
      if (at + TAR_BLOCK > file.size) {
        throw damagedArchiveError(file.name, "it is cut short");
      }
      const header = parseHeader(file, await bufferedRead(at, TAR_BLOCK), overrides);
      if (header === null) return index;
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
        if (header.kind === "file") {
          const { path, size } = header;
          // Of two members with one path, unpacking leaves the last.
          index.set(validatedMemberPath(path, file.name), {
            offset: start,
            size,
            compressedSize: size,
            method: 0,
            crc32: null,
          });
        }
        overrides = { ...overrides, next: null };
      }
      at = start + Math.ceil(header.size / TAR_BLOCK) * TAR_BLOCK;
    }
  });
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
