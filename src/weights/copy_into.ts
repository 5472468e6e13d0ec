/** A file of a mirror that is a folder. @module */

import { SourceError } from "./http_answer.ts";
import type { PartFile } from "./part_file.ts";

/**
 * Copies a file into a part, from the beginning: disks need no resuming.
 *
 * @throws {SourceError} If it is not there or cannot be read.
 */
export async function copyInto(
  part: PartFile,
  path: string,
  signal: AbortSignal,
  onBytes: (received: number, total: number) => void,
): Promise<void> {
  let source: Deno.FsFile;
  try {
    source = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new SourceError("is not there");
    throw new SourceError(error instanceof Error ? error.message : String(error));
  }
  using file = source;
  const stat = await file.stat();
  if (!stat.isFile) throw new SourceError("is no file");
  const total = stat.size;
  await part.begin({ source: "a folder", validator: null, total });
  const chunk = new Uint8Array(1 << 20);
  for (;;) {
    signal.throwIfAborted();
    const read = await file.read(chunk);
    if (read === null) return;
    await part.append(chunk.subarray(0, read));
    onBytes(part.size, total);
  }
}
