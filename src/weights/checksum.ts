/** Whether a file is the one that was meant. @module */

import { createHash } from "node:crypto";

/** What is known about a file beforehand; null: not known. */
export interface Expected {
  readonly bytes: number | null;
  /** 64 hexadecimal digits. */
  readonly sha256: string | null;
  /** The first digits. */
  readonly sha256Prefix: string | null;
}

/** What a file is. */
export interface Measured {
  readonly bytes: number;
  readonly sha256: string;
}

/** Bytes read at a time. */
const CHUNK = 1 << 20;

/**
 * Measures a file without holding it in memory.
 *
 * @param signal Stops it: rejects with the signal's reason.
 */
export async function measureFile(path: string, signal?: AbortSignal): Promise<Measured> {
  using file = await Deno.open(path);
  const hash = createHash("sha256");
  const chunk = new Uint8Array(CHUNK);
  let bytes = 0;
  for (;;) {
    signal?.throwIfAborted();
    const read = await file.read(chunk);
    if (read === null) return { bytes, sha256: hash.digest("hex") };
    hash.update(chunk.subarray(0, read));
    bytes += read;
  }
}

/** Whether a different file would be noticed. */
export const isChecked = ({ sha256, sha256Prefix }: Expected): boolean =>
  sha256 !== null || sha256Prefix !== null;

/** @returns Why the file is not the one that was meant, or null: it is. */
export function difference(
  expected: Expected,
  { bytes, sha256 }: Measured,
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
