/** Sources that are made of other sources. @module */

import { type FileSource, findFirstFolder, joinPath } from "./file_source.ts";

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
  checksum: async (path: string) => {
    const [source, inner] = route(path);
    return await source.checksum(inner);
  },
});

/**
 * Joins sources whose files lie beside each other, such as the ten archives of one data
 * set.
 *
 * @param name For messages.
 * @throws {RangeError} If two hold one path, so that it would be undefined which is read.
 */
export async function joinSources(
  name: string,
  sources: readonly FileSource[],
): Promise<FileSource> {
  const [only] = sources;
  if (only !== undefined && sources.length === 1) return only;
  const owners = new Map<string, FileSource>();
  for (const source of sources) {
    for (const path of await source.list("") ?? []) {
      const other = owners.get(path);
      if (other !== undefined && !isAuxiliaryFile(path)) {
        throw new RangeError(
          `Cannot use "${name}": "${other.name}" and "${source.name}" both hold ` +
            `"${path}": names must differ between archives`,
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
  };
  return joined;
}

// Licenses and notes come with every archive of a data set.
const isAuxiliaryFile = (path: string) => !/\.(png|jpe?g)$/i.test(path);

/**
 * Adds to a folder what is in the archives that lie in it. An unpacked folder is preferred;
 * the archives are opened for the first folder that is not unpacked.
 *
 * @param openArchives Opens them; null if there are none.
 */
export function createMixedSource(
  folder: FileSource,
  openArchives: () => Promise<FileSource | null>,
): FileSource {
  let opened: Promise<FileSource | null> | null = null;
  const archives = () => opened ??= openArchives();
  const archived = new Map<string, FileSource>();
  const sourceOf = (path: string) => archived.get(path) ?? folder;
  return {
    name: folder.name,
    async list(path) {
      const unpacked = await folder.list(path);
      if (unpacked !== null) return unpacked;
      const archiveSource = await archives();
      const found = await archiveSource?.list(path) ?? null;
      if (archiveSource !== null) {
        for (const file of found ?? []) archived.set(joinPath(path, file), archiveSource);
      }
      return found;
    },
    listChildren: async (path) =>
      await folder.listChildren(path) ??
        await (await archives())?.listChildren(path) ?? null,
    findFirst: async (folders) =>
      await findFirstFolder(folder, folders) ??
        await (await archives())?.findFirst(folders) ?? null,
    ...routedFiles((path) => [sourceOf(path), path]),
    displayPath: (path) => sourceOf(path).displayPath(path),
    unpackedRoot: () => archived.size === 0 ? folder.unpackedRoot?.() ?? null : null,
  };
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
  };
}
