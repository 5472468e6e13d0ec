/**
 * Verifies that a file is the expected one: by the checksum of its publisher, else by
 * that of its first download, which `checksums.json` in the same folder records.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import * as z from "../core/zod.ts";
import { fileReadError, fileWriteError, isNotFound } from "../io/file_errors.ts";
import { openLocked } from "../io/file_lock.ts";
import { writeAtomic } from "../io/write_atomic.ts";

/** What is known about a file before it is downloaded; null: not known. */
export interface ExpectedFile {
  /** Its exact size. */
  readonly bytes: number | null;
  /** All 64 hexadecimal digits. */
  readonly sha256: string | null;
  /** The first digits, if only the file's name has them. */
  readonly sha256Prefix: string | null;
}

/** Size and checksum of a file. */
export interface FileDigest {
  readonly bytes: number;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
}

/** The record of one file. */
export interface ChecksumRecord extends FileDigest {
  /** Where it came from, without a query; null: it was already present. */
  readonly source: string | null;
}

/** The name of the file of records. */
export const CHECKSUM_FILE = "checksums.json";

/** Bytes read at a time. */
const CHUNK_BYTES = 1 << 20;

/** Reads an open file in chunks; each chunk reuses the memory of the one before. */
export async function* fileChunks(
  file: Deno.FsFile,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (;;) {
    signal?.throwIfAborted();
    const length = await file.read(chunk);
    if (length === null) return;
    yield chunk.subarray(0, length);
  }
}

/**
 * Hashes a file without holding it in memory.
 *
 * @param signal Stops the work: rejects with the signal's reason.
 */
export async function hashFile(path: string, signal?: AbortSignal): Promise<FileDigest> {
  using file = await Deno.open(path);
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of fileChunks(file, signal)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** Whether a different file would be noticed. */
export const hasChecksum = ({ sha256, sha256Prefix }: ExpectedFile): boolean =>
  sha256 !== null || sha256Prefix !== null;

/** @returns Why the file is not the expected one; null if it is. */
export function describeMismatch(
  expected: ExpectedFile,
  { bytes, sha256 }: FileDigest,
): string | null {
  if (bytes === 0) return "it is empty";
  if (expected.bytes !== null && expected.bytes !== bytes) {
    return `it has ${bytes} bytes instead of ${expected.bytes}`;
  }
  if (expected.sha256 !== null && expected.sha256 !== sha256) {
    return `its SHA-256 is ${sha256} instead of ${expected.sha256}`;
  }
  if (expected.sha256Prefix !== null && !sha256.startsWith(expected.sha256Prefix)) {
    return `its SHA-256 is ${sha256}, which does not begin with ${expected.sha256Prefix}`;
  }
  return null;
}

const RecordsSchema = z.record(
  z.string(),
  z.object({
    bytes: z.int(),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    source: z.string().nullable(),
  }),
);

/**
 * Reads the records of a folder; an absent file means no records.
 *
 * @throws {SyntaxError} If they are damaged: a file must not lose its checksum silently.
 */
export async function readChecksums(
  folder: string,
): Promise<Map<string, ChecksumRecord>> {
  const path = join(folder, CHECKSUM_FILE);
  const text = await Deno.readTextFile(path).catch((error) => {
    if (isNotFound(error)) return "{}";
    throw fileReadError(path, error);
  });
  try {
    return new Map(Object.entries(RecordsSchema.parse(JSON.parse(text))));
  } catch (cause) {
    throw new SyntaxError(
      `Cannot use "${path}": it is damaged; mend it, or remove it to trust the files anew`,
      { cause },
    );
  }
}

/**
 * Adds a file to the records of a folder, or replaces its record; what other processes add
 * at the same time stays.
 *
 * @throws {Error} If they cannot be written.
 */
export async function recordChecksum(
  folder: string,
  file: string,
  { bytes, sha256, source }: ChecksumRecord,
): Promise<void> {
  const path = join(folder, CHECKSUM_FILE);
  const lockPath = join(folder, `.${CHECKSUM_FILE}.lock`);
  using _lock = await openLocked(lockPath, { wait: true }).catch((error) => {
    throw fileWriteError(path, error);
  });
  const checksums = await readChecksums(folder);
  checksums.set(file, { bytes, sha256, source });
  const sorted = [...checksums].sort(([a], [b]) => a < b ? -1 : 1);
  await writeAtomic(path, `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`);
  await Deno.remove(lockPath).catch(() => {}); // Windows keeps it while it is open
}
