/** Reading a file that a user names. @module */

/**
 * Reads a file whole.
 *
 * @throws The system's error, or one whose message says that it is a device: those need not
 * end.
 */
export async function readWholeFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const { isCharDevice, isBlockDevice } = await Deno.stat(path);
  if (isCharDevice || isBlockDevice) throw new Error("it is a device; name a file");
  return await Deno.readFile(path);
}
