/** What a pack is made of: parts, each an archive of files from here and there. @module */
import { dirname, join } from "node:path";

/** A file of a pack: a file of this machine, or a text that is made for the pack. */
export type PackedFile =
  & {
    /** Where it goes, below the folder that a pack is unpacked to; with slashes. */
    readonly to: string;
  }
  & ({
    /** An absolute path; a link is followed. */
    readonly from: string;
  } | { readonly text: string });

/** An archive of a pack. */
export interface Part {
  /** Of the archive, without its ending. */
  readonly name: string;
  readonly files: readonly PackedFile[];
}

/**
 * Lists the files of a folder and of the folders in it, without links to folders.
 *
 * @param isWanted Told the path below `folder`, with slashes; a folder's ends with one.
 * @returns Paths below `folder`, with slashes, sorted.
 */
export async function filesIn(
  folder: string,
  isWanted: (path: string) => boolean,
): Promise<string[]> {
  const found: string[] = [];
  const walk = async (below: string) => {
    for await (const { name, isDirectory, isFile } of Deno.readDir(join(folder, below))) {
      const path = below + name;
      if (isFile && isWanted(path)) found.push(path);
      if (isDirectory && isWanted(`${path}/`)) await walk(`${path}/`);
    }
  };
  await walk("");
  return found.sort();
}

/**
 * Lays the files of a part out in a folder: links to what is there, texts as files.
 *
 * @param folder Is made; an archiver that follows links makes a part of it.
 * @returns Bytes of all files.
 */
export async function layOut(part: Part, folder: string): Promise<number> {
  let bytes = 0;
  await Deno.mkdir(folder, { recursive: true });
  for (const file of part.files) {
    const path = join(folder, file.to);
    await Deno.mkdir(dirname(path), { recursive: true });
    if ("text" in file) await Deno.writeTextFile(path, file.text);
    else await Deno.symlink(file.from, path);
    bytes += (await Deno.stat(path)).size;
  }
  return bytes;
}
