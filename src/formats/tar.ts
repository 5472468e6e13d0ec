/** Headers of tar archives. The only file that names the library. @module */

import { Buffer } from "node:buffer";
import { Header } from "npm:tar@7.5.23/header";
import { Pax } from "npm:tar@7.5.23/pax";
import { decodeLatin1 } from "./latin1.ts";

/** Bytes of a header, and what everything in a tar is padded to. */
export const TAR_BLOCK = 512;

/** What a header is of; null: of a folder, or of nothing that is unpacked. */
export type TarKind =
  | "file"
  | "hard-link"
  | "symbolic-link"
  /** A device, a pipe or the rest of a file of another volume. */
  | "special"
  /** Describes the next header. */
  | "extended-header";

/** What one header says. */
export interface TarHeader {
  readonly kind: TarKind | null;
  /** The member's path, or "" . */
  readonly path: string;
  /** What a link leads to: from the archive's top, or for a symbolic one from its folder. */
  readonly linkPath: string;
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
  /** Whether the next file is stored without its holes. */
  readonly isSparse: boolean;
}

type TarExtendedHeader = Pax | null;

/** Before the first header. */
export const NO_EXTENDED_HEADERS: TarExtendedHeaders = {
  next: null,
  global: null,
  isSparse: false,
};

const KINDS: Readonly<Record<string, TarKind>> = {
  File: "file",
  OldFile: "file",
  ContiguousFile: "file",
  Link: "hard-link",
  SymbolicLink: "symbolic-link",
  CharacterDevice: "special",
  BlockDevice: "special",
  FIFO: "special",
  ContinuationFile: "special",
  ExtendedHeader: "extended-header",
  OldExtendedHeader: "extended-header",
  GlobalExtendedHeader: "extended-header",
  NextFileHasLongPath: "extended-header",
  OldGnuLongPath: "extended-header",
  NextFileHasLongLinkpath: "extended-header",
};

/** GNU's headers of one long name each, and what it is. */
const GNU_LONG_NAMES: Readonly<Record<string, "path" | "linkpath">> = {
  NextFileHasLongPath: "path",
  OldGnuLongPath: "path",
  NextFileHasLongLinkpath: "linkpath",
};

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
  // A long path is complete; the header holds only a part of it.
  const path = extended.next?.path ?? headerPath(block, header);
  const linkPath = extended.next?.linkpath ?? header.linkpath ?? "";
  const kind = KINDS[type] ?? null;
  if (type === "SparseFile" || (extended.isSparse && kind === "file")) {
    throw new SparseFileError(path);
  }
  return { kind, path, linkPath, size: BODYLESS_TYPES.has(type) ? 0 : size, type };
}

/** Says that a file is stored without its holes, which cannot be read in place. */
export class SparseFileError extends Error {
  constructor(readonly path: string) {
    super(`"${path}" is stored as a sparse file`);
  }
}

// The library reads the first half of a path only after the version "00", which other
// programs do not look at. Before UTF-8 names were in the encoding of their system: that
// they differ is kept.
function headerPath(block: Uint8Array, { path = "" }: Header): string {
  const magic = decodeLatin1(block.subarray(257, 265));
  const isOtherVersion = magic.startsWith("ustar\0") && magic !== "ustar\x0000";
  if (!isOtherVersion && !path.includes("\uFFFD")) return path;
  const field = (at: number, length: number) =>
    decodeName(block.subarray(at, at + length));
  const prefix = field(345, 155);
  return prefix === "" ? field(0, 100) : `${prefix}/${field(0, 100)}`;
}

function decodeName(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  const name = end < 0 ? bytes : bytes.subarray(0, end);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(name);
  } catch {
    return decodeLatin1(name);
  }
}

/** Reads the bytes of a header of kind "extended-header". */
export function readTarExtendedHeader(
  type: string,
  bytes: Uint8Array,
  { next: before, global, isSparse }: TarExtendedHeaders,
): TarExtendedHeaders {
  const longName = GNU_LONG_NAMES[type];
  if (longName !== undefined) {
    return {
      next: new Pax({ ...before, [longName]: decodeName(bytes) }),
      global,
      isSparse,
    };
  }
  const text = new TextDecoder().decode(bytes);
  if (type === "GlobalExtendedHeader") {
    return { next: before, global: Pax.parse(text, global ?? undefined, true), isSparse };
  }
  const parsed = Pax.parse(text, before ?? undefined, false);
  if (!/^\d+ GNU\.sparse\./m.test(text)) return { next: parsed, global, isSparse };
  const path = /^\d+ GNU\.sparse\.name=(.*)$/m.exec(text)?.[1];
  const next = path === undefined ? parsed : new Pax({ ...parsed, path });
  return { next, global, isSparse: true };
}
