/** Error messages for files that cannot be read or written. @module */

/** What is wrong, by the system's error code: a part of a sentence. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is no folder",
  EACCES: "permission is denied",
  EPERM: "permission is denied",
  EEXIST: "there is a file of this name",
  ENOTEMPTY: "the folder is not empty",
  ENAMETOOLONG: "the name is too long",
  EINVAL: "its name holds a character that no file's may",
  ERR_INVALID_ARG_VALUE: "its name holds a character that no file's may",
  ELOOP: "its symbolic links lead in a circle",
  EMFILE: "too many files are open",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file is larger than this file system or limit allows",
  EROFS: "the file system is read-only",
  EXDEV: "it lies on another file system",
  EBUSY: "another program uses it",
  EIO: "the disk fails",
};

/** What to do when reading fails, after the reason. */
const READ_CURES: Readonly<Record<string, string>> = {
  EISDIR: "name a file in it",
  ENOTDIR: "correct it",
  EACCES: "change its permissions",
  EPERM: "change its permissions",
  ENAMETOOLONG: "correct it",
  ELOOP: "correct them",
  EMFILE: "raise the limit with ulimit -n",
};

/** The same for writing, with reasons that are others there. */
const WRITE_REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; free some space and run again",
  EDQUOT: "the disk quota is used up; free some space and run again",
  EROFS: "the file system is read-only; choose another folder",
  EACCES: "the folder may not be written to; choose another one",
  EPERM: "the folder may not be written to; choose another one",
  ENOENT: "its folder does not exist; create it first",
  ENOTDIR: "there is a file where a folder should be; choose another folder",
  EISDIR: "there is a folder of this name; choose another name",
  EEXIST: "there is a file where a folder should be; choose another folder",
  ENAMETOOLONG: "the name is too long; choose a shorter one",
};

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";

/** What Deno and Node.js say besides the reason: the right, the number, the call, the path. */
const NOT_CAPABLE = /^Requires (\w+) access.* with the (--allow-\w+) flag/s;
const SYSTEM_NOISE = / \(os error \d+\)(: \w+ '.*$)?|^E[A-Z0-9]+: (?=\w)|, \w+ '.*'$/gs;

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [, access, flag] = NOT_CAPABLE.exec(error.message) ?? [];
  return flag === undefined
    ? error.message.replace(SYSTEM_NOISE, "")
    : `this program has no ${access} access to it: run with ${flag}`;
}

/** Whether an error says that a file or folder does not exist. */
export const isNotFound = (error: unknown): boolean =>
  error instanceof Deno.errors.NotFound || codeOf(error) === "ENOENT";

/** Whether it says that a path leads nowhere: nothing is there, or a file is in its way. */
export const isMissingPath = (error: unknown): boolean =>
  isNotFound(error) || codeOf(error) === "ENOTDIR" ||
  error instanceof Deno.errors.NotADirectory;

/** The message of an error as a part of a sentence, without a full stop. */
export const errorReason = (error: unknown): string =>
  REASONS[codeOf(error)] ?? messageOf(error).replace(/[.\s]+$/, "");

/**
 * Makes an error about a file that could not be read; the system's error is its cause.
 *
 * @returns A `Deno.errors.NotFound` if there is no such file.
 */
export function fileReadError(path: string, error: unknown): Error {
  const cure = READ_CURES[codeOf(error)];
  const reason = errorReason(error) + (cure === undefined ? "" : `; ${cure}`);
  const FileError = codeOf(error) === "ENOENT" ? Deno.errors.NotFound : Error;
  return new FileError(`Cannot read "${path}": ${reason}`, { cause: error });
}

/** Makes an error about a file that could not be written, caused by the system's. */
export function fileWriteError(path: string, error: unknown): Error {
  const reason = WRITE_REMEDIES[codeOf(error)] ?? errorReason(error);
  return new Error(`Cannot write "${path}": ${reason}`, { cause: error });
}

/** Information about a file or folder; null if it does not exist. */
export async function statOrNull(path: string): Promise<Deno.FileInfo | null> {
  return await Deno.stat(path).catch((error) => {
    if (isNotFound(error)) return null;
    throw error;
  });
}
