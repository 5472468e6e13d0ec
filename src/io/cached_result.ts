/** Results that are kept in a file as long as what they came from stays the same. @module */

import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { errorReason } from "./file_errors.ts";
import { isWritable } from "./permissions.ts";
import { removeDrafts, writeAtomic } from "./write_atomic.ts";

/** No process writes a file for so long, in milliseconds. */
const DAY = 24 * 60 * 60 * 1000;

/** How a result becomes JSON and comes back. */
export interface CacheCodec<Value, Json> {
  encode(value: Value): Json;
  /** Null, or an exception, for what is no such result: it is made again. */
  decode(json: Json): Value | null;
}

/**
 * Gives what was made before for the same key, or makes and keeps it.
 *
 * @param folder Of the cache; null: nothing is kept.
 * @param kind What it is; the first part of the file's name.
 * @param key Changes whenever the result may.
 * @param make Makes the result.
 * @param codec For a result that is not plain JSON itself.
 * @throws {Error} If the folder cannot be written to; before the result is made.
 */
export async function cachedResult<Value, Json = Value>(
  folder: string | null,
  kind: string,
  key: string,
  make: () => Promise<Value>,
  codec?: CacheCodec<Value, Json>,
): Promise<{ readonly value: Value; readonly isCached: boolean }> {
  if (folder === null) return { value: await make(), isCached: false };
  const id = createHash("sha256").update(key).digest("hex");
  const file = join(folder, `${kind}_${id.slice(0, 16)}.json`);
  const cached = await readEntry(file, id, codec);
  if (cached !== null) return { value: cached.value, isCached: true };
  try {
    await mkdir(folder, { recursive: true });
    if (!await isWritable(folder)) throw new Error("permission is denied");
  } catch (error) {
    throw new Error(
      `Cannot write to the cache folder "${folder}": ${errorReason(error)}: name ` +
        "another with --cache DIR",
      { cause: error },
    );
  }
  const value = await make();
  const text = JSON.stringify({ id, value: codec ? codec.encode(value) : value });
  await writeAtomic(file, text, { isDurable: false });
  await removeDrafts(folder, DAY);
  return { value, isCached: false };
}

// An entry that is missing, unreadable or damaged is written again.
async function readEntry<Value, Json>(
  file: string,
  id: string,
  codec: CacheCodec<Value, Json> | undefined,
): Promise<{ readonly value: Value } | null> {
  try {
    const content = JSON.parse(await readFile(file, "utf8"));
    if (content?.id !== id || !("value" in content)) return null;
    const value: Value | null = codec ? codec.decode(content.value) : content.value;
    return codec && value === null ? null : { value: value as Value };
  } catch {
    return null;
  }
}
