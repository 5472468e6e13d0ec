/** Headers of tar archives. The only file that names the library. @module */

import { Buffer } from "node:buffer";
import { Header } from "npm:tar@7.5.23/header";
import { Pax } from "npm:tar@7.5.23/pax";

/** Bytes of a header, and what everything in a tar is padded to. */
export const TAR_BLOCK = 512;

/** What one header says. */
export interface TarHeader {
  /** "file" has bytes to keep; "names" describes the next header; null is anything else. */
  readonly kind: "file" | "names" | null;
  /** The member's path, or "" . */
  readonly path: string;
  /** Bytes after the header, without padding. */
  readonly size: number;
  /** How the bytes of "names" are to be read. */
  readonly type: string;
}

/** Paths and sizes that do not fit into a header and stand before it: pax and GNU. */
export interface TarNames {
  /** For the next header. */
  readonly next: TarExtra;
  /** For all that follow. */
  readonly all: TarExtra;
}

type TarExtra = Pax | null;

/** Nothing said yet. */
export const NO_NAMES: TarNames = { next: null, all: null };

const FILES = new Set(["File", "OldFile", "ContiguousFile"]);
const LONG = new Set(["NextFileHasLongPath", "OldGnuLongPath"]);
const NAMES = new Set([
  "ExtendedHeader",
  "OldExtendedHeader",
  "GlobalExtendedHeader",
  ...LONG,
]);
/** What has no bytes, whatever its header says. */
const EMPTY = new Set([
  "Link",
  "SymbolicLink",
  "CharacterDevice",
  "BlockDevice",
  "Directory",
  "FIFO",
]);

/**
 * Reads a header.
 *
 * @param block {@linkcode TAR_BLOCK} bytes.
 * @returns Null for a block of zeros, with which archives end.
 * @throws {SyntaxError} If it is damaged, or of a file with holes.
 */
export function readTarHeader(block: Uint8Array, names: TarNames): TarHeader | null {
  if (block.every((byte) => byte === 0)) return null;
  const buffer = Buffer.from(block.buffer, block.byteOffset, block.length);
  const header = new Header(buffer, 0, names.next ?? undefined, names.all ?? undefined);
  if (!header.cksumValid) throw new SyntaxError("a header is damaged");
  const { type, size = 0 } = header;
  if (!Number.isSafeInteger(size) || size < 0) throw new SyntaxError("a size is damaged");
  if (type === "SparseFile") throw new SyntaxError("it holds a sparse file");
  return {
    kind: FILES.has(type) ? "file" : NAMES.has(type) ? "names" : null,
    // A long path is whole: what stands in the header is a part of it.
    path: String(names.next?.path ?? header.path ?? ""),
    size: EMPTY.has(type) ? 0 : size,
    type,
  };
}

/** Reads the bytes of a header of kind "names". */
export function readTarNames(
  type: string,
  bytes: Uint8Array,
  { next, all }: TarNames,
): TarNames {
  const text = new TextDecoder().decode(bytes);
  if (type === "GlobalExtendedHeader") {
    return { next, all: Pax.parse(text, all ?? undefined, true) };
  }
  if (!LONG.has(type)) {
    return { next: Pax.parse(text, next ?? undefined, false), all };
  }
  return { next: new Pax({ ...next, path: text.replace(/\0[^]*$/, "") }), all };
}
