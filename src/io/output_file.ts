/** Result files: checked before the work begins, and written when it is done. @module */
import { dirname, extname } from "node:path";
import { fileWriteError, statOrNull } from "./file_errors.ts";
import { writeAtomic } from "./write_atomic.ts";

/**
 * Asserts that a file can be written, and creates the folders above it. An existing file
 * keeps its contents, and no new file remains.
 *
 * @param extension The required ending of the name; "" for any.
 * @throws {RangeError} If the name ends otherwise.
 * @throws {Error} If the file cannot be written, with the path and what to do.
 */
export async function assertWritableFile(path: string, extension = ""): Promise<void> {
  if (extension !== "" && extname(path).toLowerCase() !== extension) {
    throw new RangeError(`Cannot write "${path}": the name must end with ${extension}`);
  }
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    const before = await statOrNull(path);
    // A pipe may wait for its reader, and a device be changed by being opened.
    if (before !== null && !before.isFile && !before.isDirectory) return;
    // Under its own name, a trial could take away what another process writes meanwhile.
    if (before === null) await tryToWrite(dirname(path));
    else (await Deno.open(path, { write: true })).close();
  } catch (error) {
    throw fileWriteError(path, error);
  }
}

/**
 * Asserts that there is no such file, which would be replaced.
 *
 * @throws {RangeError} If there is one.
 */
export async function assertNoFile(path: string): Promise<void> {
  const found = await statOrNull(path).catch((error) => {
    throw fileWriteError(path, error);
  });
  if (found === null) return;
  throw new RangeError(
    `Cannot write "${path}": there is such a file; choose another name, or replace it ` +
      "with --force",
  );
}

/**
 * Asserts that files can be written into a folder, and creates it.
 *
 * @throws {Error} If they cannot be written, with the path and what to do.
 */
export async function assertWritableFolder(folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    await tryToWrite(folder);
  } catch (error) {
    throw fileWriteError(folder, error);
  }
}

const tryToWrite = async (folder: string): Promise<void> =>
  await Deno.remove(await Deno.makeTempFile({ dir: folder, prefix: ".fst_" }));

/**
 * Writes a file whole or not at all, and creates the folders above it. Pipes, devices and
 * the targets of links are written to and not replaced.
 *
 * @throws {Error} With the path and what to do.
 */
export async function writeOutputFile(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    const before = await Deno.lstat(path).catch(() => null);
    if (before !== null && !before.isFile) return await Deno.writeFile(path, bytes);
  } catch (error) {
    throw fileWriteError(path, error);
  }
  await writeAtomic(path, [bytes], { isDurable: false });
}
