/** Error messages for files that cannot be read or written. @module */

/** What is wrong and what to do when reading fails, by the system's error code. */
const READ_REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a folder; name a file in it",
  ENOTDIR: "a part of its path is no folder; correct it",
  EACCES: "it may not be read; change its permissions",
};

/** The same for writing. */
const WRITE_REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; free some space and run again",
  EDQUOT: "the disk quota is used up; free some space and run again",
  EFBIG: "the file is larger than this file system or limit allows",
  EROFS: "the file system is read-only; choose another folder",
  EACCES: "the folder may not be written to; choose another one",
  ENOENT: "its folder does not exist; create it first",
  ENOTDIR: "there is a file where a folder should be; choose another folder",
  EISDIR: "there is a folder of this name; choose another name",
  EEXIST: "there is a file where a folder should be; choose another folder",
  ENAMETOOLONG: "the name is too long; choose a shorter one",
};

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Whether an error says that a file or folder does not exist. */
export const isNotFound = (error: unknown): boolean =>
  error instanceof Deno.errors.NotFound || codeOf(error) === "ENOENT";

/** Whether it says that a path leads nowhere: nothing is there, or a file is in its way. */
export const isMissingPath = (error: unknown): boolean =>
  isNotFound(error) || codeOf(error) === "ENOTDIR" ||
  error instanceof Deno.errors.NotADirectory;

/** The message of an error as a part of a sentence, without a full stop. */
export const errorReason = (error: unknown): string =>
  codeOf(error) === "ENOENT"
    ? "there is no such file"
    : messageOf(error).replace(/[.\s]+$/, "");

/**
 * Makes an error about a file that could not be read; the system's error is its cause.
 *
 * @returns A `Deno.errors.NotFound` if there is no such file.
 */
export function fileReadError(path: string, error: unknown): Error {
  const reason = READ_REMEDIES[codeOf(error)] ?? messageOf(error);
  const FileError = codeOf(error) === "ENOENT" ? Deno.errors.NotFound : Error;
  return new FileError(`Cannot read "${path}": ${reason}`, { cause: error });
}

/** Makes an error about a file that could not be written, caused by the system's. */
export function fileWriteError(path: string, error: unknown): Error {
  const reason = WRITE_REMEDIES[codeOf(error)] ?? messageOf(error);
  return new Error(`Cannot write "${path}": ${reason}`, { cause: error });
}

/** Information about a file or folder; null if it does not exist. */
export async function statOrNull(path: string): Promise<Deno.FileInfo | null> {
  return await Deno.stat(path).catch((error) => {
    if (isNotFound(error)) return null;
    throw error;
  });
}
