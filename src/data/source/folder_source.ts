/** Files in folders. @module */

import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  type FileSource,
  isMissing,
  locateInTurn,
  plainBytes,
  reasonOf,
} from "./file_source.ts";

/** Opens a folder; whether it exists shows when something in it is wanted. */
export function folderSource(root: string): FileSource {
  const at = (path: string) => join(root, path);
  const source: FileSource = {
    name: root,
    address: at,
    locate: (folders) => locateInTurn(source, folders),
    list: (folder) => entries(at(folder), true),
    children: (folder) => entries(at(folder), false),

    async read(path) {
      try {
        return plainBytes(await readFile(at(path)));
      } catch (error) {
        const reason = reasonOf(error);
        throw new Error(`Cannot read "${at(path)}": ${reason}`, { cause: error });
      }
    },

    async fingerprint(path) {
      const { size, mtimeMs } = await stat(at(path));
      return `${size} ${mtimeMs}`;
    },
  };
  return source;
}

// Folders are among the names; no layout takes one for a file.
async function entries(
  folder: string,
  recursive: boolean,
): Promise<readonly string[] | null> {
  try {
    return (await readdir(folder, { recursive }))
      .map((file) => file.replaceAll("\\", "/"));
  } catch (error) {
    if (isMissing(error)) return null;
    const reason = reasonOf(error);
    throw new RangeError(
      `Cannot use the data set: cannot list the folder "${folder}": ${reason}: make it a ` +
        "folder that may be read",
      { cause: error },
    );
  }
}
