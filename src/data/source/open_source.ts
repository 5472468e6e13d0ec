/** From a path or an address to files. @module */

import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isAddress, parseHttpUrl } from "../../io/http.ts";
import { openHttpFile } from "../../io/http_file.ts";
import { openDiskFile } from "../../io/ranged_file.ts";
import type { SourceLocation } from "../data_spec.ts";
import { createMixedSource, joinSources } from "./combined_source.ts";
import type { FileSource } from "./file_source.ts";
import { createFolderSource } from "./folder_source.ts";

/** An open source, and whether it is of archives alone. */
export interface OpenedSource {
  readonly source: FileSource;
  /** Archives may be shards, in which files lie side by side without folders. */
  readonly isArchive: boolean;
}

const ARCHIVE_EXTENSION = /\.(tar|zip)$/i;
/** Archives in which nothing can be found without unpacking all before it. */
const UNSUPPORTED_ARCHIVE = /\.(rar|7z|tgz|tar\.(gz|bz2|xz|zst))$/i;

/** Whether a file is an archive by its name, of a kind that can be read or not. */
export const isArchiveName = (name: string): boolean =>
  ARCHIVE_EXTENSION.test(name) || UNSUPPORTED_ARCHIVE.test(name);

/** Archives that are opened at a time. */
const OPEN_CONCURRENCY = 8;

/**
 * Opens a source.
 *
 * @throws If there is nothing of this name, or an archive is damaged, encrypted, of a kind
 * that cannot be read in place, or on a server that does not answer; the message names it.
 */
export async function openSource(place: SourceLocation): Promise<OpenedSource> {
  const { root } = place;
  const cacheFolder = place.cacheFolder ?? null;
  if (isAddress(root) || isShardPattern(root)) {
    const names = expandShardPattern(root);
    const source = await joinSources(root, await openArchiveFiles(names, cacheFolder));
    return { source, isArchive: true };
  }
  if (await isFile(root)) {
    return { source: await openArchive(root, cacheFolder), isArchive: true };
  }
  const folder = createFolderSource(root);
  const openArchives = async () => {
    const names = (await folder.listChildren("") ?? []).filter((one) =>
      ARCHIVE_EXTENSION.test(one)
    );
    const paths: string[] = [];
    for (const path of names.toSorted().map((one) => join(root, one))) {
      if (await isFile(path)) paths.push(path);
    }
    const { opened, failures } = await tryArchiveFiles(paths, cacheFolder);
    if (opened.length === 0) return { source: null, failures };
    return await joinSources(root, opened).then(
      (source) => ({ source, failures }),
      (error) => ({ source: null, failures: [...failures, error] }),
    );
  };
  return { source: createMixedSource(folder, openArchives), isArchive: false };
}

/** Archives among some names that cannot be read in place, for a message; else "". */
export function unsupportedArchiveHint(names: readonly string[]): string {
  const unsupported = names.find((name) => UNSUPPORTED_ARCHIVE.test(name));
  return unsupported === undefined
    ? ""
    : `; "${unsupported}" cannot be read in place: unpack it`;
}

/** A location as caches know it: a folder has many paths, and an address has one. */
export const absoluteLocation = (root: string): string =>
  isAddress(root) ? root : resolve(root);

// A path that cannot be looked up is left to the folder, whose error says why.
const isFile = (path: string): Promise<boolean> =>
  stat(path).then((info) => info.isFile(), () => false);

async function openArchiveFiles(
  names: readonly string[],
  cacheFolder: string | null,
): Promise<FileSource[]> {
  const { opened, failures: [first] } = await tryArchiveFiles(names, cacheFolder);
  if (first !== undefined) throw first;
  return opened;
}

/** Opens archives, in the order of their names; the failures are likewise in order. */
async function tryArchiveFiles(
  names: readonly string[],
  cacheFolder: string | null,
): Promise<{ readonly opened: FileSource[]; readonly failures: Error[] }> {
  const opened: FileSource[] = [];
  const failures: Error[] = [];
  for (let at = 0; at < names.length; at += OPEN_CONCURRENCY) {
    const chunk = names.slice(at, at + OPEN_CONCURRENCY);
    const outcomes = await Promise.allSettled(
      chunk.map((name) => openArchive(name, cacheFolder)),
    );
    for (const outcome of outcomes) {
      if (outcome.status === "fulfilled") opened.push(outcome.value);
      else failures.push(outcome.reason);
    }
  }
  return { opened, failures };
}

async function openArchive(
  name: string,
  cacheFolder: string | null,
): Promise<FileSource> {
  const url = parseHttpUrl(name);
  const path = url?.pathname ?? name;
  const [, kind] = ARCHIVE_EXTENSION.exec(path) ?? [];
  if (kind === undefined) {
    throw new SyntaxError(
      UNSUPPORTED_ARCHIVE.test(path)
        ? `Cannot read the archive "${name}" in place: unpack it and name the folder ` +
          "(of archives, .zip and uncompressed .tar can be read packed)"
        : `Cannot use "${name}" as a data set: it is neither a folder nor a .zip or .tar ` +
          "archive",
    );
  }
  const file = url === null ? await openDiskFile(name) : await openHttpFile(url.href);
  // Loaded on demand: folders need neither library.
  return kind.toLowerCase() === "tar"
    ? await (await import("./tar_source.ts")).openTarSource(file, cacheFolder)
    : await (await import("./zip_source.ts")).openZipSource(file, cacheFolder);
}

/** More than any data set has: a slip of a digit is noticed. */
const MAX_SHARDS = 100_000;

const SHARD_RANGE = /\{(\d+)\.\.(\d+)\}/;

const isShardPattern = (path: string): boolean => SHARD_RANGE.test(path);

/**
 * Writes out the ranges of a path or address, as shells do: `{000000..000012}` stands for
 * thirteen names.
 *
 * @returns Itself where there is no range.
 * @throws {RangeError} If a range runs backwards or is too long.
 */
export function expandShardPattern(pattern: string): string[] {
  const [range, from = "", to = ""] = SHARD_RANGE.exec(pattern) ?? [];
  if (range === undefined) return [pattern];
  const [first, last] = [Number(from), Number(to)];
  if (last < first || last - first >= MAX_SHARDS) {
    throw new RangeError(
      `Cannot use the shards "${pattern}": "${range}" must count upwards, over at most ` +
        `${MAX_SHARDS} names`,
    );
  }
  const width = from.startsWith("0") ? from.length : 0;
  return Array.from({ length: last - first + 1 }, (_, i) => {
    const number = String(first + i).padStart(width, "0");
    return pattern.replace(range, number);
  }).flatMap(expandShardPattern);
}
