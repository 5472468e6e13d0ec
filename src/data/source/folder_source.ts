/**
 * Files in folders, by Deno's own functions: Node's make several objects more of every name
 * and of every file, which of a hundred thousand counts.
 *
 * @module
 */

import { join } from "node:path";
import { errorReason, isMissingPath, isNotFound } from "../../io/file_errors.ts";
import { openRandomAccessFile } from "../../io/random_access_file.ts";
import {
  END_BYTES,
  type FileSource,
  findFirstFolder,
  isHidden,
  isInFolder,
  joinPath,
} from "./file_source.ts";

/** Symbolic links that are looked up at a time. */
const STAT_CONCURRENCY = 64;

/** Paths are not longer. */
const MAX_LINK_BYTES = 4096;

/** Opens a folder, which need not exist until something in it is read. */
export function createFolderSource(root: string): FileSource {
  const pathOf = (path: string) => join(root, path);
  const broken = new Map<string, string>();
  const stat = async (path: string) => {
    try {
      return await Deno.stat(pathOf(path));
    } catch (error) {
      throw readError(pathOf(path), error);
    }
  };
  const source: FileSource = {
    name: root,
    displayPath: pathOf,
    unpackedRoot: () => root,
    findFirst: (folders) => findFirstFolder(source, folders),
    async list(folder) {
      const found = await listFiles(pathOf(folder));
      for (const [path, reason] of found?.broken ?? []) {
        broken.set(joinPath(folder, path), reason);
      }
      return found && found.files;
    },
    listChildren: (folder) => listNames(pathOf(folder)),
    remarks: (folder) =>
      [...broken].filter(([path]) => isInFolder(path, folder) && !isHidden(path)).map((
        [path, reason],
      ) => ({
        message: `"${pathOf(path)}" ${reason}`,
        isProblem: true,
      })),

    async read(path) {
      try {
        return await Deno.readFile(pathOf(path));
      } catch (error) {
        throw readError(pathOf(path), error);
      }
    },

    async fingerprint(path) {
      const { size, mtime } = await stat(path);
      return `${size} ${mtime?.getTime()}`;
    },
    size: async (path) => (await stat(path)).size,
    knownCrc32: () => null,

    async readEnd(path) {
      await using file = await openRandomAccessFile(pathOf(path));
      const length = Math.min(file.size, END_BYTES);
      return await file.read(file.size - length, length);
    },
  };
  return source;
}

const readError = (path: string, error: unknown): Error =>
  new Error(`Cannot read "${path}": ${errorReason(error)}`, { cause: error });

/** The files below a folder, and links and special files that give none, with the reason. */
interface FolderFiles {
  readonly files: readonly string[];
  readonly broken: ReadonlyMap<string, string>;
}

// Follows symbolic links as `find -L` does: one into a folder that it lies in ends there.
function listFiles(folder: string): Promise<FolderFiles | null> {
  const files: string[] = [];
  const broken = new Map<string, string>();
  const visit = async (below: string, ancestors: readonly string[]) => {
    const folders: string[] = [];
    const links: string[] = [];
    const withoutEnding: string[] = [];
    const real = ancestors.at(-1) ?? folder;
    for await (const entry of Deno.readDir(join(folder, below))) {
      const path = below + entry.name;
      if (entry.isDirectory) folders.push(path);
      else if (entry.isSymlink) links.push(path);
      else if (entry.isFile) {
        files.push(path);
        if (!entry.name.includes(".")) withoutEnding.push(path);
      } else broken.set(path, "is a device, a pipe or a socket");
    }
    for (const path of withoutEnding.slice(0, STAT_CONCURRENCY)) {
      const target = await linkAsText(join(folder, path));
      if (target === null) continue;
      const reason =
        `is a text, "${target}", as copies of symbolic links are: link it again`;
      broken.set(path, reason);
    }
    for (const path of folders) {
      const at = join(real, path.slice(below.length));
      if (!ancestors.includes(at)) await visit(`${path}/`, [...ancestors, at]);
    }
    for (let i = 0; i < links.length; i += STAT_CONCURRENCY) {
      const chunk = links.slice(i, i + STAT_CONCURRENCY);
      const found = await Promise.all(
        chunk.map((path) => followLink(join(folder, path))),
      );
      for (const [k, path] of chunk.entries()) {
        const { kind, at } = found[k] ?? { kind: "broken", at: "" };
        if (kind === "broken") broken.set(path, at);
        else if (kind === "file") files.push(path);
        else if (!ancestors.includes(at)) await visit(`${path}/`, [...ancestors, at]);
      }
    }
  };
  return nullIfMissing(folder, async () => {
    await visit("", [await Deno.realPath(folder)]);
    return { files, broken };
  });
}

// Git, zip and network shares without links leave the path to which one led, as a text.
async function linkAsText(path: string): Promise<string | null> {
  try {
    const { size } = await Deno.stat(path);
    if (size === 0 || size > MAX_LINK_BYTES) return null;
    const target = (await Deno.readTextFile(path)).trimEnd();
    return /^\.{0,2}\/[^\n\0]+$/.test(target) ? target : null;
  } catch {
    return null; // it may not be read, and is no image
  }
}

/** A link: the folder at which it ends, or why it ends nowhere. */
async function followLink(
  path: string,
): Promise<{ readonly kind: "folder" | "file" | "broken"; readonly at: string }> {
  try {
    const { isDirectory, isFile } = await Deno.stat(path);
    if (isDirectory) return { kind: "folder", at: await Deno.realPath(path) };
    if (isFile) return { kind: "file", at: "" };
    return { kind: "broken", at: "leads to a device, a pipe or a socket" };
  } catch (error) {
    if (error instanceof Deno.errors.FilesystemLoop) {
      return { kind: "broken", at: "is a symbolic link that leads in a circle" };
    }
    if (!isMissingPath(error)) throw error;
    const at = `is a symbolic link to "${await Deno.readLink(path)}", which is not there`;
    return { kind: "broken", at };
  }
}

const listNames = (folder: string): Promise<readonly string[] | null> =>
  nullIfMissing(folder, async () => {
    const names: string[] = [];
    for await (const { name } of Deno.readDir(folder)) names.push(name);
    return names;
  });

async function nullIfMissing<T>(
  folder: string,
  list: () => Promise<T>,
): Promise<T | null> {
  try {
    return await list();
  } catch (error) {
    if (isNotFound(error) || await isBelowFile(folder, error)) return null;
    const reason = errorReason(error);
    throw new RangeError(
      `Cannot use the data set: cannot list the folder "${folder}": ${reason}: make it a ` +
        "folder that may be read",
      { cause: error },
    );
  }
}

// A file in the way of a folder is not that folder.
const isBelowFile = async (folder: string, error: unknown): Promise<boolean> =>
  error instanceof Deno.errors.NotADirectory &&
  await Deno.stat(folder).then(() => false, isMissingPath);
