/**
 * Files in folders, by Deno's own functions: Node's make several objects more of every name
 * and of every file, which of a hundred thousand counts.
 *
 * @module
 */

import { join } from "node:path";
import { errorReason, fileReadError, isNotFound } from "../../io/file_errors.ts";
import { openRandomAccessFile } from "../../io/random_access_file.ts";
import {
  type FileSource,
  findFirstFolder,
  TAIL_BYTES,
  tailChecksum,
} from "./file_source.ts";

/** Opens a folder, which need not exist until something in it is read. */
export function createFolderSource(root: string): FileSource {
  const pathOf = (path: string) => join(root, path);
  const source: FileSource = {
    name: root,
    displayPath: pathOf,
    unpackedRoot: () => root,
    findFirst: (folders) => findFirstFolder(source, folders),
    list: (folder) => listEntries(pathOf(folder), true),
    listChildren: (folder) => listEntries(pathOf(folder), false),

    async read(path) {
      try {
        return await Deno.readFile(pathOf(path));
      } catch (error) {
        const reason = errorReason(error);
        throw new Error(`Cannot read "${pathOf(path)}": ${reason}`, { cause: error });
      }
    },

    async fingerprint(path) {
      const { size, mtime } = await Deno.stat(pathOf(path));
      return `${size} ${mtime?.getTime()}`;
    },

    async size(path) {
      const { size } = await Deno.stat(pathOf(path)).catch((error) => {
        throw fileReadError(pathOf(path), error);
      });
      return size;
    },

    async checksum(path) {
      await using file = await openRandomAccessFile(pathOf(path));
      const length = Math.min(file.size, TAIL_BYTES);
      return tailChecksum(await file.read(file.size - length, length));
    },
  };
  return source;
}

async function listEntries(
  folder: string,
  recursive: boolean,
): Promise<readonly string[] | null> {
  const found: string[] = [];
  const visit = async (below: string) => {
    const folders: string[] = [];
    for await (const { name, isDirectory } of Deno.readDir(join(folder, below))) {
      if (recursive && isDirectory) folders.push(below + name);
      else found.push(below + name);
    }
    for (const one of folders) await visit(`${one}/`);
  };
  try {
    await visit("");
    return found;
  } catch (error) {
    if (isNotFound(error)) return null;
    const reason = errorReason(error);
    throw new RangeError(
      `Cannot use the data set: cannot list the folder "${folder}": ${reason}: make it a ` +
        "folder that may be read",
      { cause: error },
    );
  }
}
