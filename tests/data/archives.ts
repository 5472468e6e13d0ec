/** Archives, written by hand: also such as no tool would write. @module */

import { Buffer } from "node:buffer";
import { crc32, deflateRawSync } from "node:zlib";
import type { Files } from "./native/trees.ts";

/** How a zip differs from an ordinary one. */
export interface ZipOptions {
  /** Whether members are deflated; stored if not. */
  readonly deflate?: boolean;
  /** Whether members claim to be encrypted. */
  readonly encrypted?: boolean;
  /** Whether sizes and positions stand in 64-bit fields. */
  readonly zip64?: boolean;
  /** Members that are symbolic links to what their bytes say. */
  readonly links?: readonly string[];
  /** The bytes of names, where they are no UTF-8; the flag of UTF-8 is then not set. */
  readonly encodeName?: (name: string) => Uint8Array;
}

/** Writes a zip archive. */
export function zipOf(files: Files, options: ZipOptions = {}): Uint8Array {
  const { deflate = true, encrypted = false, zip64 = false, links = [] } = options;
  const { encodeName } = options;
  const flags = (encodeName === undefined ? 0x800 : 0) | (encrypted ? 1 : 0);
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const [path, content] of Object.entries(files)) {
    const name = encodeName?.(path) ?? Buffer.from(path);
    const packed = deflate ? deflateRawSync(content) : content;
    const sums = [crc32(content), packed.length, content.length];
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(45, 4);
    local.writeUInt16LE(flags, 6);
    local.writeUInt16LE(deflate ? 8 : 0, 8);
    sums.forEach((sum, i) => local.writeUInt32LE(sum, 14 + 4 * i));
    local.writeUInt16LE(name.length, 26);
    parts.push(local, name, packed);

    const wide = Buffer.alloc(zip64 ? 28 : 0);
    if (zip64) {
      wide.writeUInt16LE(1, 0);
      wide.writeUInt16LE(24, 2);
      [content.length, packed.length, at].forEach((value, i) =>
        wide.writeBigUInt64LE(BigInt(value), 4 + 8 * i)
      );
    }
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(links.includes(path) ? 3 << 8 | 45 : 45, 4);
    if (links.includes(path)) central.writeUInt32LE((0o120777 << 16) >>> 0, 38);
    central.writeUInt16LE(45, 6);
    central.writeUInt16LE(flags, 8);
    central.writeUInt16LE(deflate ? 8 : 0, 10);
    const [crc = 0, ...sizes] = sums;
    central.writeUInt32LE(crc, 16);
    sizes.forEach((size, i) =>
      central.writeUInt32LE(zip64 ? 0xffffffff : size, 20 + 4 * i)
    );
    central.writeUInt16LE(name.length, 28);
    central.writeUInt16LE(wide.length, 30);
    central.writeUInt32LE(zip64 ? 0xffffffff : at, 42);
    directory.push(central, name, wide);
    at += 30 + name.length + packed.length;
  }
  const count = Object.keys(files).length;
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end64 = Buffer.alloc(zip64 ? 76 : 0);
  if (zip64) {
    end64.writeUInt32LE(0x06064b50, 0);
    end64.writeBigUInt64LE(44n, 4);
    end64.writeUInt16LE(45, 12);
    end64.writeUInt16LE(45, 14);
    [count, count, size, at].forEach((value, i) =>
      end64.writeBigUInt64LE(BigInt(value), 24 + 8 * i)
    );
    end64.writeUInt32LE(0x07064b50, 56);
    end64.writeBigUInt64LE(BigInt(at + size), 64);
    end64.writeUInt32LE(1, 72);
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(zip64 ? 0xffff : count, 8);
  end.writeUInt16LE(zip64 ? 0xffff : count, 10);
  end.writeUInt32LE(zip64 ? 0xffffffff : size, 12);
  end.writeUInt32LE(zip64 ? 0xffffffff : at, 16);
  return new Uint8Array(Buffer.concat([...parts, ...directory, end64, end]));
}

/**
 * How paths are written that do not fit: before the header, as GNU or as pax does, the
 * latter with some folders left in the header too; or divided, as POSIX does.
 */
export type LongNames = "gnu" | "pax" | "prefix";

/** Writes a tar archive. */
export function tarOf(files: Files, long: LongNames = "gnu"): Uint8Array {
  const parts = Object.entries(files).flatMap(([path, content]) => {
    const name = Buffer.from(path);
    if (name.length <= 100) return [block(path, "0", content)];
    const cut = path.lastIndexOf("/", 100);
    if (long === "prefix") {
      return [block(path.slice(cut + 1), "0", content, path.slice(0, cut))];
    }
    const before = long === "gnu"
      ? block("././@LongLink", "L", Buffer.concat([name, Buffer.alloc(1)]))
      : block("PaxHeader/x", "x", Buffer.from(paxRecord("path", path)));
    const prefix = long === "pax" ? "some" : "";
    return [before, block(path.slice(0, 99), "0", content, prefix)];
  });
  return new Uint8Array(Buffer.concat([...parts, Buffer.alloc(1024)]));
}

/** A member of a tar archive that is more than a file of a name. */
export interface TarMember {
  readonly path: string;
  /** Of the header: "1" a hard link, "2" a symbolic one, "S" a sparse file … */
  readonly type: string;
  readonly link?: string;
  readonly content?: Uint8Array;
  /** Records of pax before it. */
  readonly pax?: Readonly<Record<string, string>>;
}

/** Writes a tar archive of any members, with GNU's headers for long links. */
export function tarOfMembers(members: readonly TarMember[]): Uint8Array {
  const parts = members.flatMap(
    ({ path, type, link = "", content = new Uint8Array(), pax = {} }) => {
      const records = Object.entries(pax).map(([key, value]) => paxRecord(key, value));
      return [
        ...(records.length === 0
          ? []
          : [block("PaxHeader/x", "x", Buffer.from(records.join("")))]),
        ...(link.length <= 100
          ? []
          : [block("././@LongLink", "K", Buffer.from(`${link}\0`))]),
        block(path, type, content, "", link),
      ];
    },
  );
  return new Uint8Array(Buffer.concat([...parts, Buffer.alloc(1024)]));
}

// The length of a record counts its own digits.
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (String(length).length + Buffer.byteLength(rest) !== length) length++;
  return `${length}${rest}`;
}

function block(
  path: string,
  type: string,
  content: Uint8Array,
  prefix = "",
  link = "",
): Uint8Array {
  const header = Buffer.alloc(512);
  header.write(link.slice(0, 100), 157);
  header.write(prefix, 345);
  header.write(path, 0);
  header.write("0000644\0", 100);
  header.write(content.length.toString(8).padStart(11, "0"), 124);
  header.write("00000000000", 136);
  header.write("        ", 148);
  header.write(type, 156);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const padding = Buffer.alloc((512 - content.length % 512) % 512);
  return Buffer.concat([header, content, padding]);
}
