/** Names on this disk for files from elsewhere. @module */

import { sourceId } from "./http_answer.ts";

/**
 * Reads an address of the web.
 *
 * @returns Null: it is none, for example a path.
 * @throws {RangeError} If it is an address of another kind.
 */
export function webAddress(text: string): URL | null {
  if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) return null; // C:\… has one letter
  if (!URL.canParse(text)) {
    throw new RangeError(`Cannot use the address "${text}": it is not well formed`);
  }
  const url = new URL(text);
  if (url.protocol === "http:" || url.protocol === "https:") return url;
  throw new RangeError(
    `Cannot use the address "${text}": it must begin with https:// or http://`,
  );
}

/**
 * A file name for an address: harmless on every system, and another one for every other
 * address. No server has a say in it.
 */
export function fileNameOf(url: URL): string {
  const last = url.pathname.split("/").filter((part) => part !== "").at(-1) ?? "";
  const plain = last.replace(/%[0-9a-f]{2}/gi, "_").replace(/[^A-Za-z0-9._-]/g, "_");
  const tail = plain.replace(/^[._-]+/, "").replace(/\.+$/, "").slice(-80);
  return `${sourceId(url.href).slice(0, 8)}_${tail || "weights"}`;
}
