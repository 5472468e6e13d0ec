/**
 * Files in folders, by Deno's own functions: Node's make several objects more of every name
 * and of every file, which of a hundred thousand counts.
 *
 * @module
 */

import { join } from "node:path";
import { type FileSource, isMissing, locateInTurn, reasonOf } from "./file_source.ts";

/** Opens a folder; whether it exists shows when something in it is wanted. */
export function folderSource(root: string): FileSource {
  const at = (path: string) => join(root, path);
  const source: FileSource = {
    name: root,
    address: at,
    looseRoot: () => root,
    locate: (folders) => locateInTurn(source, folders),
    list: (folder) => entries(at(folder), true),
    children: (folder) => entries(at(folder), false),

    async read(path) {
      try {
        return await Deno.readFile(at(path));
      } catch (error) {
        const reason = reasonOf(error);
        throw new Error(`Cannot read "${at(path)}": ${reason}`, { cause: error });
      }
    },

    async fingerprint(path) {
      const { size, mtime } = await Deno.stat(at(path));
      return `${size} ${mtime?.getTime()}`;
    },
  };
  return source;
}

async function entries(
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
    if (isMissing(error)) return null;
    const reason = reasonOf(error);
    throw new RangeError(
      `Cannot use the data set: cannot list the folder "${folder}": ${reason}: make it a ` +
        "folder that may be read",
      { cause: error },
    );
  }
}
