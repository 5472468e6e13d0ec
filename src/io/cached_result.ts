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
  const id = sha256(key);
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
  const json = JSON.stringify(codec ? codec.encode(value) : value);
  await writeAtomic(file, entryText(id, json), { isDurable: false });
  await removeDrafts(folder, DAY);
  return { value, isCached: false };
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** What precedes a value in its file, which is JSON as a whole. */
const entryHead = (id: string, digest: string) =>
  `{"id":"${id}","digest":"${digest}","value":`;

const entryText = (id: string, json: string): string =>
  `${entryHead(id, sha256(json))}${json}}`;

// An entry that is missing, unreadable or not what was written is made again: no shape in it
// need be doubted after that.
async function readEntry<Value, Json>(
  file: string,
  id: string,
  codec: CacheCodec<Value, Json> | undefined,
): Promise<{ readonly value: Value } | null> {
  try {
    const text = await readFile(file, "utf8");
    const json = text.slice(entryHead(id, id).length, -1); // a digest is as long as an id
    if (text !== entryText(id, json)) return null;
    const content = JSON.parse(json);
    const value: Value | null = codec ? codec.decode(content) : content;
    return codec && value === null ? null : { value: value as Value };
  } catch {
    return null;
  }
}
