/**
 * Where the files of a data set are: in folders, in archives or on a server. Layouts are
 * written against this alone.
 *
 * Paths are relative to the source, with slashes, and never lead out of it.
 *
 * @module
 */

/** Files that can be listed, and read in any order, any number of times. */
export interface FileSource {
  /** Where it is, for messages. */
  readonly name: string;
  /**
   * Every file below a folder, at any depth, by its path from that folder.
   *
   * @param folder "" for all.
   * @returns Null if there is no such folder.
   * @throws If the source cannot be read; the message names it.
   */
  list(folder: string): Promise<readonly string[] | null>;
  /** The names of files and folders right in a folder; null if there is none. */
  listChildren(folder: string): Promise<readonly string[] | null>;
  /**
   * The first of some folders that exists. One that is unpacked is preferred to one in an
   * archive, which then need not be looked into.
   */
  findFirst(folders: readonly string[]): Promise<string | null>;
  /**
   * Reads a file.
   *
   * @param path One that was listed.
   * @throws If it is missing or damaged; the message names it.
   */
  read(path: string): Promise<Uint8Array>;
  /** Changes whenever the file may have changed. */
  fingerprint(path: string): Promise<string>;
  /** Its bytes. */
  size(path: string): Promise<number>;
  /** The CRC-32 of its bytes, where that is known without reading them; else null. */
  knownCrc32(path: string): number | null;
  /**
   * Its last bytes, {@linkcode END_BYTES} at most; null where they would have to be
   * unpacked, or fetched from a server.
   */
  readEnd(path: string): Promise<Uint8Array | null>;
  /** What a person would call the file, for messages. */
  displayPath(path: string): string;
  /** What a user should know about a folder that was listed: what was left out, and why. */
  remarks(folder: string): readonly SourceRemark[];
  /**
   * The folder in which all files that were listed lie by their paths; null or left out if
   * there is none.
   */
  readonly unpackedRoot?: () => string | null;
}

/** See {@linkcode FileSource.readEnd}. */
export const END_BYTES = 4096;

/** Something to know about files of a source; a sentence. */
export interface SourceRemark {
  readonly message: string;
  /** Whether it is to be mended: files are left out that should be there. */
  readonly isProblem: boolean;
}

/** {@linkcode FileSource.findFirst} by looking into one folder after the other. */
export async function findFirstFolder(
  source: Pick<FileSource, "listChildren">,
  folders: readonly string[],
): Promise<string | null> {
  for (const folder of folders) {
    if (await source.listChildren(folder) !== null) return folder;
  }
  return null;
}

/** Joins a folder of a source with what lies in it. */
export const joinPath = (folder: string, path: string): string =>
  folder === "" ? path : path === "" ? folder : `${folder}/${path}`;

/** Whether a path lies below a folder, "" for the source itself. */
export const isInFolder = (path: string, folder: string): boolean =>
  folder === "" || path.startsWith(`${folder}/`);

/** Whether a file is hidden, such as the "._name.jpg" that macOS leaves on other disks. */
export const isHidden = (path: string): boolean => /(^|\/)\./.test(path);

/** Whether a path stays below the folder to which it is joined. */
export function isRelativePath(path: string): boolean {
  const parts = path.split(/[\\/]/);
  return path !== "" && !path.includes("\0") && !/^[A-Za-z]:/.test(path) &&
    parts[0] !== "" && !parts.includes("..");
}

/** Characters of a name that a message shows; archives have names of 64 kB. */
const MAX_QUOTED = 120;

/** Some names in quotes, for a message. */
export function quoteNames(names: readonly string[]): string {
  if (names.length === 0) return "nothing";
  const quote = (name: string) =>
    name.length > MAX_QUOTED ? `"${name.slice(0, MAX_QUOTED)}…"` : `"${name}"`;
  const shown = names.toSorted().slice(0, 5).map(quote).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
