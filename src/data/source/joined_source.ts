/** Several archives as one source. @module */

import type { FileSource } from "./file_source.ts";

/**
 * Joins sources whose files lie beside each other, such as the ten archives of one data
 * set.
 *
 * @param name For messages.
 * @throws {RangeError} If two hold one path, so that it would be chance which is read.
 */
export async function joinedSource(
  name: string,
  sources: readonly FileSource[],
): Promise<FileSource> {
  const [only] = sources;
  if (only !== undefined && sources.length === 1) return only;
  const home = new Map<string, FileSource>();
  for (const source of sources) {
    for (const path of await source.list("") ?? []) {
      const other = home.get(path);
      if (other !== undefined && !isBeside(path)) {
        throw new RangeError(
          `Cannot use "${name}": "${other.name}" and "${source.name}" both hold ` +
            `"${path}": names must differ between archives`,
        );
      }
      home.set(path, source);
    }
  }
  const all = async (
    ask: (source: FileSource) => Promise<readonly string[] | null>,
  ): Promise<readonly string[] | null> => {
    const found = (await Promise.all(sources.map(ask))).filter((one) => one !== null);
    return found.length === 0 ? null : [...new Set(found.flat())];
  };
  const homeOf = (path: string) => {
    const source = home.get(path);
    if (source !== undefined) return source;
    throw new Error(`Cannot read "${name}/${path}": there is no such file`);
  };
  const joined: FileSource = {
    name,
    list: (folder) => all((source) => source.list(folder)),
    children: (folder) => all((source) => source.children(folder)),
    async locate(folders) {
      for (const folder of folders) {
        if (await joined.children(folder) !== null) return folder;
      }
      return null;
    },
    read: async (path) => await homeOf(path).read(path),
    fingerprint: async (path) => await homeOf(path).fingerprint(path),
    address: (path) => home.get(path)?.address(path) ?? `${name}/${path}`,
  };
  return joined;
}

// Licences and notes come with every archive of a data set.
const isBeside = (path: string) => !/\.(png|jpe?g)$/i.test(path);
