/** What is where in an archive: found once, kept in memory and, if wanted, in a file. @module */

import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RandomFile } from "./random_file.ts";

/** A file in an archive. */
export interface Member {
  /** Where its bytes, or in a zip its local header, begin. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** Bytes as they are stored. */
  readonly packed: number;
  /** How they are stored: 0 as they are, 8 deflated. */
  readonly method: number;
  /** CRC-32 of the bytes; null where the archive has none. */
  readonly crc: number | null;
}

/** Members by path. */
export type ArchiveIndex = ReadonlyMap<string, Member>;

/** The same as JSON: a row per member. */
type Rows = readonly (readonly [string, number, number, number, number, number | null])[];

const known = new Map<string, Promise<ArchiveIndex>>();

/**
 * Gives the index of an archive, which is made once per process, and once at all where
 * there is a cache folder.
 *
 * @param make Reads the archive.
 */
export function archiveIndex(
  file: RandomFile,
  cacheFolder: string | null,
  make: (file: RandomFile) => Promise<ArchiveIndex>,
): Promise<ArchiveIndex> {
  const key = `${file.name}\n${file.fingerprint}`;
  const there = known.get(key);
  if (there !== undefined) return there;
  const index = cacheFolder === null ? make(file) : cached(key, cacheFolder, file, make);
  known.set(key, index);
  index.catch(() => known.delete(key)); // the next try may succeed
  return index;
}

async function cached(
  key: string,
  folder: string,
  file: RandomFile,
  make: (file: RandomFile) => Promise<ArchiveIndex>,
): Promise<ArchiveIndex> {
  const id = createHash("sha256").update(key).digest("hex");
  const path = join(folder, `archive_index_${id.slice(0, 16)}.json`);
  const text = await readFile(path, "utf8").catch(() => null);
  const kept = text === null ? null : parse(text, id);
  if (kept !== null) return kept;
  const index = await make(file);
  const rows: Rows = [...index].map(([name, { offset, size, packed, method, crc }]) => [
    name,
    offset,
    size,
    packed,
    method,
    crc,
  ]);
  await mkdir(folder, { recursive: true });
  // Whole or not at all, also if two runs start at once.
  const draft = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await writeFile(draft, JSON.stringify({ id, rows }));
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  return index;
}

// A damaged cache is as good as none: it is written anew.
function parse(text: string, id: string): ArchiveIndex | null {
  try {
    const content = JSON.parse(text) as { id?: unknown; rows?: Rows };
    if (content.id !== id || !Array.isArray(content.rows)) return null;
    return new Map(
      (content.rows as Rows).map(([name, offset, size, packed, method, crc]) => [
        name,
        { offset, size, packed, method, crc },
      ]),
    );
  } catch {
    return null;
  }
}

/**
 * A member's path as sources give it.
 *
 * @param archive For the message.
 * @returns Without "./" in front.
 * @throws {SyntaxError} If it leads out of the archive's folder.
 */
export function memberPath(path: string, archive: string): string {
  const inside = path.replace(/^(\.\/)+/, "");
  const parts = inside.split(/[\\/]/);
  const escapes = inside === "" || inside.includes("\0") || /^[A-Za-z]:/.test(inside) ||
    inside.includes("\\") || parts[0] === "" || parts.includes("..");
  if (!escapes) return inside;
  throw new SyntaxError(
    `Cannot use the archive "${archive}": its member ${JSON.stringify(path)} leads out ` +
      "of its folder: no data set is packed like this, so do not trust it",
  );
}

/** A sentence about an archive that is damaged. */
export const damaged = (archive: string, reason: string): SyntaxError =>
  new SyntaxError(
    `Cannot read the archive "${archive}": ${reason}: is it complete? copy or download ` +
      "it again",
  );
