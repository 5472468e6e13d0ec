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
  children(folder: string): Promise<readonly string[] | null>;
  /**
   * The first of some folders that exists. One that is unpacked is preferred to one in an
   * archive, which then need not be looked into.
   */
  locate(folders: readonly string[]): Promise<string | null>;
  /**
   * Reads a file.
   *
   * @param path One that was listed.
   * @throws If it is missing or damaged; the message names it.
   */
  read(path: string): Promise<Uint8Array>;
  /** Changes whenever the file may have changed. */
  fingerprint(path: string): Promise<string>;
  /** What a person would call the file, for messages. */
  address(path: string): string;
  /**
   * The folder in which all files that were listed lie by their paths; null or left out if
   * there is none.
   */
  readonly looseRoot?: () => string | null;
}

/** {@linkcode FileSource.locate} by looking into one folder after the other. */
export async function locateInTurn(
  source: Pick<FileSource, "children">,
  folders: readonly string[],
): Promise<string | null> {
  for (const folder of folders) {
    if (await source.children(folder) !== null) return folder;
  }
  return null;
}

/** Joins a folder of a source with what lies in it. */
export const below = (folder: string, path: string): string =>
  folder === "" ? path : path === "" ? folder : `${folder}/${path}`;

/** Some names in quotes, for a message. */
export function quoted(names: readonly string[]): string {
  if (names.length === 0) return "nothing";
  const some = names.toSorted().slice(0, 5).map((name) => `"${name}"`).join(", ");
  return names.length > 5 ? `${some} and ${names.length - 5} more` : some;
}

/** What went wrong, as part of a sentence. */
export function reasonOf(error: unknown): string {
  if (isMissing(error)) return "there is no such file";
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/[.\s]+$/, "");
}

/** Whether a file or folder was not there. */
export const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";

/** Bytes without the methods of Node's Buffer, which differ from those of its class. */
export const plainBytes = ({ buffer, byteOffset, length }: Uint8Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, length);
