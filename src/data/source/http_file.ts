/** Files on a web server, of which only the parts are fetched that are needed. @module */

import { setTimeout } from "node:timers/promises";
import { reasonOf } from "./file_source.ts";
import type { RandomFile, ReadRange } from "./random_file.ts";

/** How patient to be with a server. */
export interface Patience {
  /** Requests for one part before giving up. */
  readonly tries: number;
  /** Seconds before the second try; each further one waits four times as long. */
  readonly wait: number;
  /** Seconds until an answer that does not end counts as none. */
  readonly timeout: number;
}

const PATIENCE: Patience = { tries: 4, wait: 0.25, timeout: 60 };

/** Asked for where a few bytes are needed: a header, and those of small files behind it. */
const WINDOW = 1 << 15;

/** Statuses that pass: overload, and gateways whose server is restarting. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

/** What a later try cannot mend. */
class FinalError extends Error {}

interface Part {
  readonly bytes: Uint8Array;
  readonly total: number;
  /** What changes with the file: its entity tag or date; "" where the server says neither. */
  readonly validator: string;
}

/**
 * Opens a file on a server by asking for its first byte.
 *
 * Connections that break, answers that are cut short and servers that are overloaded are
 * tried again.
 *
 * @throws {Error} If the server has no such file, cannot give parts of it, or fails for
 * good; the message names the address without what follows "?".
 */
export async function httpFile(
  url: string,
  patience: Patience = PATIENCE,
): Promise<RandomFile> {
  const name = publicUrl(url);
  const first = await insistently(name, patience, () => fetchPart(url, 0, 1, patience));
  const read: ReadRange = async (offset, length) => {
    if (length === 0) return new Uint8Array();
    const part = await insistently(name, patience, async () => {
      const part = await fetchPart(url, offset, length, patience);
      if (part.total !== first.total || part.validator !== first.validator) {
        throw new FinalError("it has changed since it was opened: start again");
      }
      return part;
    });
    return part.bytes;
  };
  return {
    name,
    size: first.total,
    fingerprint: `${first.total} ${first.validator}`,
    window: WINDOW,
    with: (use) => use(read),
  };
}

/** An address without what may be secret in it. */
function publicUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

async function insistently<T>(
  name: string,
  { tries, wait }: Patience,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let tried = 1;; tried++) {
    try {
      return await attempt();
    } catch (error) {
      const isFinal = error instanceof FinalError;
      if (!isFinal && tried < tries) {
        await setTimeout(1000 * wait * 4 ** (tried - 1));
        continue;
      }
      const after = isFinal ? "" : ` (${tries} tries): run again when it answers`;
      throw new Error(`Cannot read "${name}": ${reasonOf(error)}${after}`, {
        cause: error,
      });
    }
  }
}

async function fetchPart(
  url: string,
  offset: number,
  length: number,
  { timeout }: Patience,
): Promise<Part> {
  const last = offset + length - 1;
  let answer: Response;
  try {
    answer = await fetch(url, {
      headers: { range: `bytes=${offset}-${last}`, "accept-encoding": "identity" },
      signal: AbortSignal.timeout(1000 * timeout),
    });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw new FinalError("the network may not be used: run with --allow-net");
  }
  try {
    return await partOf(answer, offset, length);
  } finally {
    // What was not read is not wanted.
    if (!answer.bodyUsed) await answer.body?.cancel();
  }
}

async function partOf(answer: Response, offset: number, length: number): Promise<Part> {
  const { status, statusText, headers } = answer;
  if (status !== 206) {
    if (status === 200) {
      throw new FinalError(
        "the server sends whole files only, and parts of this one are needed: download " +
          "it, or use a server that answers range requests",
      );
    }
    const reason = `the server answers ${status} ${statusText}`.trimEnd();
    throw PASSING.has(status) ? new Error(reason) : new FinalError(reason);
  }
  const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers.get("content-range") ?? "");
  const [start, end, total] = (range ?? []).slice(1).map(Number);
  if (start !== offset || end !== offset + length - 1 || total === undefined) {
    throw new FinalError("the server answers with another part than it was asked for");
  }
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (bytes.length !== length) throw new Error("the answer was cut short");
  const tag = headers.get("etag");
  return {
    bytes,
    total,
    // A weak tag promises nothing about bytes (RFC 9110, section 13.1.5).
    validator: (tag?.startsWith("W/") ? null : tag) ?? headers.get("last-modified") ?? "",
  };
}
