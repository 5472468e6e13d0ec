/** What a server answers when it is asked for a file or the rest of one. @module */

import { createHash } from "node:crypto";
import type { PartState } from "./part_file.ts";

/** This place does not have the file; another one may. */
export class SourceError extends Error {
  override readonly name = "SourceError";
}

/** The place may have the file at the next try. */
export class TryAgainError extends Error {
  override readonly name = "TryAgainError";
}

/** Statuses that pass: overload, and gateways whose server is restarting. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

/** An address without what may be secret in it. */
export function publicUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** Tells addresses apart without repeating them. */
export const sourceId = (url: string): string =>
  createHash("sha256").update(url).digest("hex").slice(0, 16);

/** A length in decimal digits, or null. */
const lengthIn = (text: string | null | undefined) =>
  text && /^\d{1,15}$/.test(text) ? Number(text) : null;

/**
 * What can be compared with the answer to a later request: a strong entity tag, else the
 * date of change. A weak tag promises nothing about bytes (RFC 9110, section 13.1.5).
 */
function validatorOf(headers: Headers): string | null {
  const tag = headers.get("etag");
  if (tag !== null && !tag.startsWith("W/")) return tag;
  return headers.get("last-modified");
}

/** Reads what a whole file is from its headers. */
export function stateOf(url: string, { headers }: Response): PartState {
  const isEncoded = headers.get("content-encoding") !== null;
  return {
    source: sourceId(url),
    validator: validatorOf(headers),
    total: isEncoded ? null : lengthIn(headers.get("content-length")),
  };
}

/** Whether an answer of status 206 goes on exactly where a part of that state ends. */
export function continues(
  part: PartState,
  offset: number,
  { headers }: Response,
): boolean {
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
  if (range === null || Number(range[1]) !== offset) return false;
  const total = lengthIn(range[3]);
  if (total !== null && part.total !== null && total !== part.total) return false;
  const validator = validatorOf(headers);
  // Some servers send the rest of a changed file in spite of If-Range.
  return part.validator === null || validator === null || part.validator === validator;
}

/** The total that an answer of status 416 names. */
export const totalBeyond = ({ headers }: Response): number | null =>
  lengthIn(/^bytes \*\/(\d+)$/.exec(headers.get("content-range") ?? "")?.[1]);

/** @throws {TryAgainError | SourceError} If the status is that of no file. */
export function assertFile({ status, statusText, headers, url }: Response): void {
  if (status === 200 || status === 206) {
    if (/^text\/html\b/i.test(headers.get("content-type") ?? "")) throw webPage(url);
    return;
  }
  const reason = `answers ${status} ${statusText}`.trimEnd();
  throw PASSING.has(status) ? new TryAgainError(reason) : new SourceError(reason);
}

function webPage(url: string): SourceError {
  const host = url === "" ? "" : new URL(url).hostname;
  const why = /(^|\.)google(usercontent)?\.com$/.test(host)
    ? ": Google Drive wants a person to confirm in a browser"
    : /(^|\.)huggingface\.co$/.test(host)
    ? ": Hugging Face may want its terms accepted in a browser first"
    : "";
  return new SourceError(`answers with a web page instead of the file${why}`);
}

/**
 * Recognises what servers send with status 200 instead of a file of weights.
 *
 * @param first The first bytes of the file.
 * @throws {SourceError} Naming what it is.
 */
export function assertNoPage(first: Uint8Array, { url }: Response): void {
  const text = new TextDecoder().decode(first.subarray(0, 64)).trimStart();
  // A file of weights may begin with the same byte, but not go on in letters.
  if (/^<[!?a-z][\t\n\r\x20-\x7e\u0080-\uffff]*$/i.test(text)) throw webPage(url);
  if (text.startsWith("version https://git-lfs")) {
    throw new SourceError("answers with a Git LFS pointer instead of the file");
  }
}
