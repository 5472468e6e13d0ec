/** What to say of a file that could not be read. @module */

/** What is wrong and what to do, by the code of the operating system's error. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a folder; name a file in it",
  ENOTDIR: "a part of its path is no folder; correct it",
  EACCES: "it may not be read; change its permissions",
};

/** A sentence about a file that could not be read, with the system's own error. */
export function readError(path: string, error: unknown): Error {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const message = error instanceof Error ? error.message : String(error);
  return new Error(`Cannot read "${path}": ${REASONS[code] ?? message}`, {
    cause: error,
  });
}
