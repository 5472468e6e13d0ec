/** From what a user names to files. @module */

import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { FileSource } from "./file_source.ts";
import { reasonOf } from "./file_source.ts";
import { folderSource } from "./folder_source.ts";
import { folderWithArchives } from "./folder_with_archives.ts";
import { httpFile } from "./http_file.ts";
import { joinedSource } from "./joined_source.ts";
import { diskFile, type RandomFile } from "./random_file.ts";
import { isPattern, shardNames } from "./shard_names.ts";

/** Where a data set is: plain JSON. */
export interface SourcePlace {
  /**
   * A folder, which may hold archives; an archive; or the address of one. A range such as
   * `{000000..000012}` stands for several archives, and `{split}` for the split's name.
   */
  readonly root: string;
  /** Where it is kept what is where in archives; null or left out for nowhere. */
  readonly cacheFolder?: string | null;
}

/** An open source, and whether it is of archives alone. */
export interface OpenedSource {
  readonly source: FileSource;
  /** Archives may be shards, in which files lie side by side without folders. */
  readonly isPacked: boolean;
}

const ARCHIVE = /\.(tar|zip)$/i;
/** Archives in which nothing can be found without unpacking all before it. */
const SEALED = /\.(rar|7z|tgz|tar\.(gz|bz2|xz|zst))$/i;

/** Archives that are opened at a time. */
const AT_ONCE = 8;

/**
 * Opens a source.
 *
 * @throws If there is nothing of this name, or an archive is damaged, encrypted, of a kind
 * that cannot be read in place, or on a server that does not answer; the message names it.
 */
export async function openSource(place: SourcePlace): Promise<OpenedSource> {
  const { root } = place;
  const cacheFolder = place.cacheFolder ?? null;
  if (isAddress(root) || isPattern(root)) {
    const names = shardNames(root);
    const source = await joinedSource(root, await openAll(names, cacheFolder));
    return { source, isPacked: true };
  }
  if (await isFile(root)) {
    return { source: await openArchive(root, cacheFolder), isPacked: true };
  }
  const folder = folderSource(root);
  const openArchives = async () => {
    const names = (await folder.children("") ?? []).filter((one) => ARCHIVE.test(one));
    if (names.length === 0) return null;
    const paths = names.toSorted().map((one) => join(root, one));
    return await joinedSource(root, await openAll(paths, cacheFolder));
  };
  return { source: folderWithArchives(folder, openArchives), isPacked: false };
}

/** Archives among some names that cannot be read in place, for a message; else "". */
export function sealedHint(names: readonly string[]): string {
  const sealed = names.find((name) => SEALED.test(name));
  return sealed === undefined ? "" : `; "${sealed}" cannot be read in place: unpack it`;
}

const isAddress = (root: string) => /^[a-z][a-z0-9+.-]+:\/\//i.test(root);

async function isFile(path: string): Promise<boolean> {
  // Where there is nothing, the layout says what it looked for.
  return await stat(path).then((info) => info.isFile(), () => false);
}

async function openAll(
  names: readonly string[],
  cacheFolder: string | null,
): Promise<FileSource[]> {
  const sources: FileSource[] = [];
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const some = names.slice(at, at + AT_ONCE);
    const opened = await Promise.allSettled(
      some.map((name) => openArchive(name, cacheFolder)),
    );
    // Of several that fail, the first is named, whichever was first to fail.
    for (const one of opened) {
      if (one.status === "rejected") throw one.reason;
      sources.push(one.value);
    }
  }
  return sources;
}

async function openArchive(
  name: string,
  cacheFolder: string | null,
): Promise<FileSource> {
  const path = isAddress(name) ? addressOf(name).pathname : name;
  const [, kind] = ARCHIVE.exec(path) ?? [];
  if (kind === undefined) {
    throw new SyntaxError(
      SEALED.test(path)
        ? `Cannot read the archive "${name}" in place: unpack it and name the folder ` +
          "(of archives, .zip and uncompressed .tar can be read packed)"
        : `Cannot use "${name}" as a data set: it is neither a folder nor a .zip or .tar ` +
          "archive",
    );
  }
  const file = await open(name);
  // Loaded on demand: folders need neither library.
  return kind.toLowerCase() === "tar"
    ? await (await import("./tar_source.ts")).tarSource(file, cacheFolder)
    : await (await import("./zip_source.ts")).zipSource(file, cacheFolder);
}

function open(name: string): Promise<RandomFile> {
  return isAddress(name) ? httpFile(addressOf(name).href) : diskFile(name);
}

function addressOf(name: string): URL {
  try {
    const url = new URL(name);
    if (url.protocol === "http:" || url.protocol === "https:") return url;
    throw new Error(`"${url.protocol}" is not "http:" or "https:"`);
  } catch (error) {
    throw new RangeError(`Cannot read "${name}": ${reasonOf(error)}`, { cause: error });
  }
}
