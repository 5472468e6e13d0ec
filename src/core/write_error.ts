/** What to say of a file that could not be written. @module */

/** What to do about an error of the operating system, by its code. */
const CURES: Readonly<Record<string, string>> = {
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

/** A sentence about a file that could not be written, with the system's own error. */
export function writeError(path: string, error: unknown): Error {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const message = error instanceof Error ? error.message : String(error);
  return new Error(`Cannot write "${path}": ${CURES[code] ?? message}`, { cause: error });
}
