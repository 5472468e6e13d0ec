/** Results that are kept in a file as long as what they came from stays the same. @module */

import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { reasonOf } from "./source/file_source.ts";

/**
 * Gives what was made before for the same key, or makes and keeps it.
 *
 * @param folder Of the cache; null to make it anew.
 * @param kind What it is; the first part of the file's name.
 * @param key Changes whenever the result may.
 * @param make The result as plain JSON.
 * @throws {Error} If the folder cannot be written to.
 */
export async function remembered<Value>(
  folder: string | null,
  kind: string,
  key: string,
  make: () => Promise<Value>,
): Promise<{ readonly value: Value; readonly isKnown: boolean }> {
  if (folder === null) return { value: await make(), isKnown: false };
  const id = createHash("sha256").update(key).digest("hex");
  const file = join(folder, `${kind}_${id.slice(0, 16)}.json`);
  const text = await readFile(file, "utf8").catch(() => null);
  const kept = text === null ? null : parse<Value>(text, id);
  if (kept !== null) return { value: kept.value, isKnown: true };
  await mkdir(folder, { recursive: true }).catch((error) => {
    throw new Error(
      `Cannot write into the cache folder "${folder}": ${
        reasonOf(error)
      }: name another ` +
        "with --cache DIR",
      { cause: error },
    );
  });
  const value = await make();
  // Whole or not at all, also if two runs end at once.
  const draft = `${file}.${crypto.randomUUID()}.tmp`;
  try {
    await writeFile(draft, JSON.stringify({ id, value }));
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  return { value, isKnown: false };
}

// A damaged file is as good as none: it is written anew.
function parse<Value>(text: string, id: string): { value: Value } | null {
  try {
    const content = JSON.parse(text);
    return content?.id === id && "value" in content ? content : null;
  } catch {
    return null;
  }
}
