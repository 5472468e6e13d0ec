/**
 * Zip archives, zip64 included: the directory at the end is read once, and a file when it
 * is needed.
 *
 * @module
 */

import { canUnpack, readEntryData, readZipEntries } from "../../formats/zip.ts";
import { errorReason } from "../../io/file_errors.ts";
import type { RangedFile } from "../../io/ranged_file.ts";
import { followLinks, type SymbolicLink } from "./archive_links.ts";
import {
  type ArchiveIndex,
  type ArchiveMember,
  damagedArchiveError,
  openArchiveSource,
  validatedMemberPath,
  withSlashes,
} from "./archive_source.ts";
import type { FileSource } from "./file_source.ts";

/** The longest path to which a link leads. */
const MAX_TARGET_BYTES = 1 << 12;

/** Opens a zip archive. @throws {SyntaxError} If it is cut short, damaged or encrypted. */
export const openZipSource = (
  file: RangedFile,
  cacheFolder: string | null,
): Promise<FileSource> => openArchiveSource(file, cacheFolder, indexZip, readMember);

function indexZip(file: RangedFile): Promise<ArchiveIndex> {
  return file.withReader(async (read) => {
    const entries = new Map<string, ArchiveMember | SymbolicLink>();
    const members = readZipEntries(read, file.size);
    while (true) {
      const { done, value } = await members.next().catch((error) => {
        throw damagedArchiveError(file.name, errorReason(error));
      });
      if (done) return followLinks(entries, file.name);
      const { path: _, encrypted, isSymbolicLink, ...member } = value;
      const path = withSlashes(value.path);
      if (path.endsWith("/")) continue; // a folder, by a tool for Windows
      if (encrypted) {
        throw new SyntaxError(
          `Cannot read the archive "${file.name}": its files are encrypted: unpack it ` +
            "with its password and name the folder instead",
        );
      }
      if (member.offset + member.compressedSize > file.size) {
        throw damagedArchiveError(file.name, `it is cut short in "${path}"`);
      }
      const memberPath = validatedMemberPath(path, file.name);
      if (isSymbolicLink && member.size <= MAX_TARGET_BYTES) {
        const target = new TextDecoder().decode(await readMember(file, path, member));
        entries.set(memberPath, { target });
      } else entries.set(memberPath, member);
    }
  });
}

async function readMember(
  file: RangedFile,
  path: string,
  member: ArchiveMember,
): Promise<Uint8Array> {
  const reject = (reason: string): never => {
    throw damagedArchiveError(file.name, `its file "${path}" ${reason}`);
  };
  if (!canUnpack(member)) {
    throw new SyntaxError(
      `Cannot read the archive "${file.name}": its file "${path}" is packed by method ` +
        `${member.method}, which is neither stored nor deflated: unpack it and name the folder`,
    );
  }
  return await file.withReader((read) => readEntryData(read, member, file.size, reject));
}
