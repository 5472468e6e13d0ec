/**
 * Tar archives: headers are read once, one after the other, and the files between them
 * when they are wanted.
 *
 * @module
 */

import {
  NO_NAMES,
  readTarHeader,
  readTarNames,
  TAR_BLOCK,
  type TarNames,
} from "../../core/tar.ts";
import {
  type ArchiveIndex,
  archiveIndex,
  damaged,
  type Member,
  memberPath,
} from "./archive_index.ts";
import { archiveSource } from "./archive_source.ts";
import type { FileSource } from "./file_source.ts";
import type { RandomFile, ReadRange } from "./random_file.ts";

/** Longest list of long names that is believed, in bytes. */
const MOST_NAMES = 1 << 20;

/** Opens a tar archive. @throws {SyntaxError} If it is cut short, damaged or compressed. */
export async function tarSource(
  file: RandomFile,
  cacheFolder: string | null,
): Promise<FileSource> {
  const index = await archiveIndex(file, cacheFolder, indexTar);
  return archiveSource(
    file,
    index,
    (file, _, { offset, size }) => file.with((read) => read(offset, size)),
  );
}

function indexTar(file: RandomFile): Promise<ArchiveIndex> {
  return file.with(async (read) => {
    const peek = throughWindow(file, read);
    const index = new Map<string, Member>();
    let names: TarNames = NO_NAMES;
    for (let at = 0;;) {
      if (at + TAR_BLOCK > file.size) throw damaged(file.name, "it is cut short");
      const header = headerAt(file, await peek(at, TAR_BLOCK), names);
      if (header === null) return index;
      const start = at + TAR_BLOCK;
      const end = start + header.size;
      if (end > file.size) {
        throw damaged(file.name, `it is cut short in "${header.path}"`);
      }
      if (header.kind === "names") {
        if (header.size > MOST_NAMES) throw damaged(file.name, "a name is too long");
        names = readTarNames(header.type, await peek(start, header.size), names);
      } else {
        if (header.kind === "file") {
          const { path, size } = header;
          // Of two members with one path, unpacking leaves the last.
          index.set(memberPath(path, file.name), {
            offset: start,
            size,
            packed: size,
            method: 0,
            crc: null,
          });
        }
        names = { ...names, next: null };
      }
      at = start + Math.ceil(header.size / TAR_BLOCK) * TAR_BLOCK;
    }
  });
}

function headerAt(file: RandomFile, block: Uint8Array, names: TarNames) {
  if (block[0] === 0x1f && block[1] === 0x8b) {
    throw new SyntaxError(
      `Cannot read the archive "${file.name}": it is compressed as a whole, so that no ` +
        "file in it can be found without unpacking all: gunzip it",
    );
  }
  try {
    return readTarHeader(block, names);
  } catch (error) {
    throw damaged(file.name, error instanceof Error ? error.message : String(error));
  }
}

// Headers of small files lie close together: one answer of a server holds many.
function throughWindow(file: RandomFile, read: ReadRange): ReadRange {
  let start = 0;
  let bytes: Uint8Array = new Uint8Array();
  return async (offset, length) => {
    if (offset < start || offset + length > start + bytes.length) {
      const wanted = Math.min(Math.max(length, file.window), file.size - offset);
      bytes = await read(offset, wanted);
      start = offset;
    }
    return bytes.subarray(offset - start, offset - start + length);
  };
}
