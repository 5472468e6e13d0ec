/**
 * What the files of a folder were when they came, in `checksums.json` beside them. A file
 * whose publisher gives no checksum is trusted once and checked from then on.
 *
 * @module
 */
import { join } from "node:path";
import type { Measured } from "./checksum.ts";
import { writeAtomic } from "./write_atomic.ts";

/** The record of one file. */
export interface Recorded extends Measured {
  /** Where it came from, without a query; null: it was there. */
  readonly source: string | null;
}

/** The name of the book in its folder. */
export const BOOK = "checksums.json";

const isRecorded = (value: unknown): value is Recorded =>
  typeof value === "object" && value !== null &&
  "bytes" in value && Number.isSafeInteger(value.bytes) &&
  "sha256" in value && /^[0-9a-f]{64}$/.test(String(value.sha256)) &&
  "source" in value && (value.source === null || typeof value.source === "string");

/**
 * Reads the book of a folder; an absent one is empty.
 *
 * @throws {SyntaxError} If it is damaged: a file must not lose its checksum in silence.
 */
export async function readBook(folder: string): Promise<Map<string, Recorded>> {
  const path = join(folder, BOOK);
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Map();
    throw error;
  }
  const damaged = (cause?: unknown) =>
    new SyntaxError(
      `Cannot use "${path}": it is damaged; mend it, or remove it to trust the files anew`,
      { cause },
    );
  let book: unknown;
  try {
    book = JSON.parse(text);
  } catch (error) {
    throw damaged(error);
  }
  const records = Object.entries(
    typeof book === "object" && book !== null ? book : { book },
  );
  if (Array.isArray(book) || !records.every(([, one]) => isRecorded(one))) {
    throw damaged();
  }
  return new Map(records);
}

/**
 * Adds a file to the book of a folder, or replaces its record.
 *
 * @throws {Error} If it cannot be written.
 */
export async function record(
  folder: string,
  file: string,
  { bytes, sha256, source }: Recorded,
): Promise<void> {
  const book = await readBook(folder);
  book.set(file, { bytes, sha256, source });
  const sorted = [...book].sort(([a], [b]) => a < b ? -1 : 1);
  const text = `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`;
  await writeAtomic(join(folder, BOOK), [new TextEncoder().encode(text)]);
}
