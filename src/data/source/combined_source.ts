/** Sources that are made of other sources. @module */

import { crc32 } from "node:zlib";
import {
  type FileSource,
  findFirstFolder,
  isInFolder,
  joinPath,
  quoteNames,
  type SourceRemark,
} from "./file_source.ts";

/** The source of each path, and its path there. */
type Route = (path: string) => readonly [FileSource, string];

// The part of a source that asks another one about a single file.
const routedFiles = (route: Route) => ({
  read: async (path: string) => {
    const [source, inner] = route(path);
    return await source.read(inner);
  },
  fingerprint: async (path: string) => {
    const [source, inner] = route(path);
    return await source.fingerprint(inner);
  },
  size: async (path: string) => {
    const [source, inner] = route(path);
    return await source.size(inner);
  },
  knownCrc32: (path: string) => {
    const [source, inner] = route(path);
    return source.knownCrc32(inner);
  },
  readEnd: async (path: string) => {
    const [source, inner] = route(path);
    return await source.readEnd(inner);
  },
});

/** Bytes of files that are read to be compared; beyond, equal sizes have to do. */
const MAX_COMPARED_BYTES = 1 << 26;

/** A file of a source. */
type SourceFile = readonly [FileSource, path: string];

/** Tells whether two files are the same, reading as little as possible. */
export function createFileComparison(): (
  a: SourceFile,
  b: SourceFile,
) => Promise<boolean> {
  let bytesLeft = MAX_COMPARED_BYTES;
  return async (a, b) => {
    const sizeOf = ([source, path]: SourceFile) => source.size(path);
    const size = await sizeOf(a);
    if (size !== await sizeOf(b)) return false;
    const knownSum = ([source, path]: SourceFile) => source.knownCrc32(path);
    if (knownSum(a) === null || knownSum(b) === null) {
      if (bytesLeft < size) return true;
      bytesLeft -= size;
    }
    const sumOf = async (file: SourceFile) =>
      knownSum(file) ?? crc32(await file[0].read(file[1]));
    return await sumOf(a) === await sumOf(b);
  };
}

/**
 * Joins sources whose files lie beside each other, such as the ten archives of one data
 * set.
 *
 * @param name For messages.
 * @throws {RangeError} If two hold other files at one path: which would be read?
 */
export async function joinSources(
  name: string,
  sources: readonly FileSource[],
): Promise<FileSource> {
  const [only] = sources;
  if (only !== undefined && sources.length === 1) return only;
  const owners = new Map<string, FileSource>();
  const isSameFile = createFileComparison();
  for (const source of sources) {
    for (const path of await source.list("") ?? []) {
      const other = owners.get(path);
      if (
        other !== undefined && !isAuxiliaryFile(path) &&
        !await isSameFile([other, path], [source, path])
      ) {
        throw new RangeError(
          `Cannot use "${name}": "${other.name}" and "${source.name}" both hold ` +
            `"${path}", and not the same: names must differ between archives`,
        );
      }
      owners.set(path, source);
    }
  }
  const collect = async (
    query: (source: FileSource) => Promise<readonly string[] | null>,
  ): Promise<readonly string[] | null> => {
    const found = (await Promise.all(sources.map(query))).filter((one) => one !== null);
    return found.length === 0 ? null : [...new Set(found.flat())];
  };
  const joined: FileSource = {
    name,
    list: (folder) => collect((source) => source.list(folder)),
    listChildren: (folder) => collect((source) => source.listChildren(folder)),
    findFirst: (folders) => findFirstFolder(joined, folders),
    ...routedFiles((path) => {
      const source = owners.get(path);
      if (source !== undefined) return [source, path];
      throw new Error(`Cannot read "${name}/${path}": there is no such file`);
    }),
    displayPath: (path) => owners.get(path)?.displayPath(path) ?? `${name}/${path}`,
    remarks: (folder) => sources.flatMap((source) => source.remarks(folder)),
  };
  return joined;
}

// Licenses and notes come with every archive of a data set.
const isAuxiliaryFile = (path: string) => !/\.(png|jpe?g|tiff?)$/i.test(path);

/** The archives that lie in a folder. */
export interface ArchivesOfFolder {
  /** What is in those that can be read; null: there is none. */
  readonly source: FileSource | null;
  /** Why others cannot be. */
  readonly failures: readonly Error[];
}

/**
 * Adds to a folder what is in the archives that lie in it. Of a file that is in both, the
 * unpacked one is used. An archive that cannot be read is only a remark where the folder
 * asked for is unpacked.
 *
 * @param openArchives Opens them.
 */
export function createMixedSource(
  folder: FileSource,
  openArchives: () => Promise<ArchivesOfFolder>,
): FileSource {
  let opened: Promise<ArchivesOfFolder> | null = null;
  const archives = () => opened ??= openArchives();
  const archived = new Map<string, FileSource>();
  const sourceOf = (path: string) => archived.get(path) ?? folder;
  const remarksByFolder = new Map<string, readonly SourceRemark[]>();

  // Null: nowhere. Throws if it may be in an archive that cannot be read.
  const ask = async <T>(
    isUnpacked: boolean,
    question: (archives: FileSource) => Promise<T | null>,
  ): Promise<T | null> => {
    const { source, failures: [failure] } = await archives();
    if (!isUnpacked && failure !== undefined) throw failure;
    return source && await question(source);
  };
  return {
    name: folder.name,
    async list(path) {
      const unpacked = await folder.list(path);
      const packed = await ask(unpacked !== null, (source) => source.list(path));
      const { source, failures } = await archives();
      const remarks = unpacked === null
        ? []
        : failures.map(({ message }) => ({ message, isProblem: true }));
      remarksByFolder.set(path, remarks);
      if (packed === null || source === null) return unpacked;
      // A disk may spell a name with other code points than an archive.
      const present = new Map(unpacked?.map((file) => [file.normalize("NFC"), file]));
      const [common, added]: [string[], string[]] = [[], []];
      for (const file of packed) {
        (present.has(file.normalize("NFC")) ? common : added).push(file);
      }
      for (const file of added) archived.set(joinPath(path, file), source);
      const comparison = unpacked === null
        ? []
        : await archiveRemarks(folder, source, path, common, added);
      remarksByFolder.set(path, [...remarks, ...comparison, ...source.remarks(path)]);
      return [...unpacked ?? [], ...added];
    },
    async listChildren(path) {
      const unpacked = await folder.listChildren(path);
      const packed = await (await archives()).source?.listChildren(path) ?? null;
      return packed === null ? unpacked : [...new Set([...unpacked ?? [], ...packed])];
    },
    findFirst: async (folders) =>
      await findFirstFolder(folder, folders) ??
        await ask(false, (source) => source.findFirst(folders)),
    ...routedFiles((path) => [sourceOf(path), path]),
    displayPath: (path) => sourceOf(path).displayPath(path),
    unpackedRoot: () => archived.size === 0 ? folder.unpackedRoot?.() ?? null : null,
    remarks: (path) => [
      ...folder.remarks(path),
      ...[...remarksByFolder].flatMap(([at, remarks]) =>
        at === path || isInFolder(at, path) ? remarks : []
      ),
    ],
  };
}

/**
 * Compares a folder that is unpacked with the archives beside it.
 *
 * @param common Files that both have.
 * @param added Files that only archives have.
 */
async function archiveRemarks(
  folder: FileSource,
  archives: FileSource,
  path: string,
  common: readonly string[],
  added: readonly string[],
): Promise<SourceRemark[]> {
  const isSameFile = createFileComparison();
  const others: string[] = [];
  for (const file of common) {
    const full = joinPath(path, file);
    if (isAuxiliaryFile(file)) continue;
    if (!await isSameFile([folder, full], [archives, full])) others.push(file);
  }
  const remarks: SourceRemark[] = [];
  const place = folder.displayPath(path);
  const [first, ...more] = added.filter((file) => !isAuxiliaryFile(file));
  if (first !== undefined) {
    const message =
      `${more.length + 1} files of "${place}" are not unpacked and are read ` +
      `from archives (first: "${archives.displayPath(joinPath(path, first))}")`;
    remarks.push({ message, isProblem: false });
  }
  if (others.length > 0) {
    const message =
      `${others.length} files of "${place}" are not those of the archives ` +
      `in "${archives.name}" (${quoteNames(others)}): the unpacked ones are used; move ` +
      "away what is out of date";
    remarks.push({ message, isProblem: true });
  }
  return remarks;
}

/**
 * Adds a source to another one as a folder, which a listing of what is above does not show.
 *
 * @param folder A name that the first source does not have.
 */
export function mountSource(
  source: FileSource,
  folder: string,
  other: FileSource,
): FileSource {
  const isInside = (path: string) => path === folder || path.startsWith(`${folder}/`);
  const innerPath = (path: string) => path.slice(folder.length + 1);
  const route: Route = (path) =>
    isInside(path) ? [other, innerPath(path)] : [source, path];
  const ask = <T>(path: string, question: (one: FileSource, path: string) => T): T =>
    question(...route(path));
  return {
    name: source.name,
    list: (path) => ask(path, (one, inner) => one.list(inner)),
    listChildren: (path) => ask(path, (one, inner) => one.listChildren(inner)),
    async findFirst(folders) {
      const outside = folders.filter((path) => !isInside(path));
      const inside = folders.filter(isInside).map(innerPath);
      const found = outside.length === 0 ? null : await source.findFirst(outside);
      if (found !== null || inside.length === 0) return found;
      const foundInside = await other.findFirst(inside);
      return foundInside === null ? null : joinPath(folder, foundInside);
    },
    ...routedFiles(route),
    displayPath: (path) => ask(path, (one, inner) => one.displayPath(inner)),
    remarks: (path) => ask(path, (one, inner) => one.remarks(inner)),
  };
}
