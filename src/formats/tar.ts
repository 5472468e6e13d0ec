/** Headers of tar archives. The only file that names the library. @module */

import { Buffer } from "node:buffer";
import { Header } from "npm:tar@7.5.23/header";
import { Pax } from "npm:tar@7.5.23/pax";

/** Bytes of a header, and what everything in a tar is padded to. */
export const TAR_BLOCK = 512;

/** What one header says. */
export interface TarHeader {
  /** "extended-header" describes the next header; null: neither that nor a file. */
  readonly kind: "file" | "extended-header" | null;
  /** The member's path, or "" . */
  readonly path: string;
  /** Bytes after the header, without padding. */
  readonly size: number;
  /** Says how the bytes of an extended header are read. */
  readonly type: string;
}

/** Paths and sizes that do not fit into a header and stand before it: pax and GNU. */
export interface TarExtendedHeaders {
  /** For the next header. */
  readonly next: TarExtendedHeader;
  /** For all that follow. */
  readonly global: TarExtendedHeader;
}

type TarExtendedHeader = Pax | null;

/** Before the first header. */
export const NO_EXTENDED_HEADERS: TarExtendedHeaders = { next: null, global: null };

const FILE_TYPES = new Set(["File", "OldFile", "ContiguousFile"]);
const GNU_LONG_PATH_TYPES = new Set(["NextFileHasLongPath", "OldGnuLongPath"]);
const EXTENDED_HEADER_TYPES = new Set([
  "ExtendedHeader",
  "OldExtendedHeader",
  "GlobalExtendedHeader",
  ...GNU_LONG_PATH_TYPES,
]);
/** Types without bytes, whatever the header says. */
const BODYLESS_TYPES = new Set([
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
export function readTarHeader(
  block: Uint8Array,
  extended: TarExtendedHeaders,
): TarHeader | null {
  if (block.every((byte) => byte === 0)) return null;
  const buffer = Buffer.from(block.buffer, block.byteOffset, block.length);
  const header = new Header(
    buffer,
    0,
    extended.next ?? undefined,
    extended.global ?? undefined,
  );
  if (!header.cksumValid) throw new SyntaxError("a header is damaged");
  const { type, size = 0 } = header;
  if (!Number.isSafeInteger(size) || size < 0) throw new SyntaxError("a size is damaged");
  if (type === "SparseFile") throw new SyntaxError("it holds a sparse file");
  return {
    kind: FILE_TYPES.has(type)
      ? "file"
      : EXTENDED_HEADER_TYPES.has(type)
      ? "extended-header"
      : null,
    // A long path is complete; the header holds only a part of it.
    path: String(extended.next?.path ?? header.path ?? ""),
    size: BODYLESS_TYPES.has(type) ? 0 : size,
    type,
  };
}

/** Reads the bytes of a header of kind "extended-header". */
export function readTarExtendedHeader(
  type: string,
  bytes: Uint8Array,
  { next, global }: TarExtendedHeaders,
): TarExtendedHeaders {
  const text = new TextDecoder().decode(bytes);
  if (type === "GlobalExtendedHeader") {
    return { next, global: Pax.parse(text, global ?? undefined, true) };
  }
  if (!GNU_LONG_PATH_TYPES.has(type)) {
    return { next: Pax.parse(text, next ?? undefined, false), global };
  }
  return { next: new Pax({ ...next, path: text.replace(/\0[^]*$/, "") }), global };
}
