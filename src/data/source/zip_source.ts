/**
 * Zip archives, zip64 included: the directory at the end is read once, and a file when it
 * is wanted.
 *
 * Source: PKWARE, APPNOTE.TXT 6.3.10, section 4.3.7 (local headers).
 *
 * @module
 */

import { promisify } from "node:util";
import { crc32, inflateRaw } from "node:zlib";
import { zipMembers } from "../../core/zip.ts";
import {
  type ArchiveIndex,
  archiveIndex,
  damaged,
  type Member,
  memberPath,
} from "./archive_index.ts";
import { archiveSource } from "./archive_source.ts";
import { type FileSource, plainBytes, reasonOf } from "./file_source.ts";
import type { RandomFile } from "./random_file.ts";

const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;

const inflate = promisify(inflateRaw) as (
  packed: Uint8Array,
  options: { maxOutputLength: number },
) => Promise<Uint8Array>;

/** Opens a zip archive. @throws {SyntaxError} If it is cut short, damaged or encrypted. */
export async function zipSource(
  file: RandomFile,
  cacheFolder: string | null,
): Promise<FileSource> {
  return archiveSource(
    file,
    await archiveIndex(file, cacheFolder, indexZip),
    readMember,
  );
}

function indexZip(file: RandomFile): Promise<ArchiveIndex> {
  return file.with(async (read) => {
    const index = new Map<string, Member>();
    const members = zipMembers(read, file.size);
    while (true) {
      const { done, value } = await members.next().catch((error) => {
        throw damaged(file.name, reasonOf(error));
      });
      if (done) return index;
      const { path, encrypted, ...member } = value;
      if (encrypted) {
        throw new SyntaxError(
          `Cannot read the archive "${file.name}": its files are encrypted: unpack it ` +
            "with its password and name the folder instead",
        );
      }
      if (member.offset + LOCAL_BYTES + member.packed > file.size) {
        throw damaged(file.name, `it is cut short in "${path}"`);
      }
      index.set(memberPath(path, file.name), member);
    }
  });
}

async function readMember(
  file: RandomFile,
  path: string,
  { offset, size, packed, method, crc }: Member,
): Promise<Uint8Array> {
  const stored = await file.with(async (read) => {
    const header = await read(offset, LOCAL_BYTES);
    const view = new DataView(header.buffer, header.byteOffset, LOCAL_BYTES);
    if (view.getUint32(0, true) !== LOCAL) {
      throw damaged(file.name, `its file "${path}" is not where the directory says`);
    }
    const start = offset + LOCAL_BYTES + view.getUint16(26, true) +
      view.getUint16(28, true);
    if (start + packed > file.size) {
      throw damaged(file.name, `it is cut short in "${path}"`);
    }
    return await read(start, packed);
  });
  if (method !== STORED && method !== DEFLATED) {
    throw new SyntaxError(
      `Cannot read the archive "${file.name}": its file "${path}" is packed by method ` +
        `${method}, which is neither stored nor deflated: unpack it and name the folder`,
    );
  }
  const bytes = method === STORED
    ? stored
    : await inflate(stored, { maxOutputLength: Math.max(1, size) })
      .then(plainBytes, () => {
        throw damaged(file.name, `its file "${path}" is damaged`);
      });
  if (bytes.length !== size || crc32(bytes) !== crc) {
    throw damaged(file.name, `its file "${path}" is damaged: the checksum does not fit`);
  }
  return bytes;
}
