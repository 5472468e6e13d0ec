/** Whether results can be written, asked before the work whose results they are. @module */
import { dirname, extname } from "node:path";
import { writeError } from "../core/write_error.ts";

/**
 * Makes sure that a file can be written, and makes the folders above it. What is in it
 * stays; what was not there is not there afterwards.
 *
 * @param ending What its name has to end with; "": anything.
 * @throws {RangeError} If it ends otherwise.
 * @throws {Error} If it cannot, with the path and what to do.
 */
export async function assertWritableFile(path: string, ending = ""): Promise<void> {
  if (ending !== "" && extname(path).toLowerCase() !== ending) {
    throw new RangeError(`Cannot write "${path}": the name must end with ${ending}`);
  }
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    const before = await Deno.stat(path).catch(() => null);
    // A pipe may wait for its reader, and a device be changed by being opened.
    if (before !== null && !before.isFile && !before.isDirectory) return;
    (await Deno.open(path, { write: true, create: true })).close();
    if (before === null) await Deno.remove(path);
  } catch (error) {
    throw writeError(path, error);
  }
}

/**
 * Makes sure that files can be written into a folder, and makes it.
 *
 * @throws {Error} If they cannot, with the path and what to do.
 */
export async function assertWritableFolder(folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    await Deno.remove(await Deno.makeTempFile({ dir: folder, prefix: ".fst_" }));
  } catch (error) {
    throw writeError(folder, error);
  }
}

/** Writes a file, and makes the folders above it. @throws {Error} With what to do. */
export async function writeResult(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeFile(path, bytes);
  } catch (error) {
    throw writeError(path, error);
  }
}
