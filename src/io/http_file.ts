/** Files on a web server, of which only the needed parts are fetched. @module */

import { errorReason } from "./file_errors.ts";
import {
  assertFileStatus,
  parseContentRange,
  readBody,
  redactUrl,
  requestFile,
  SourceError,
  validatorOf,
  withRetries,
} from "./http.ts";
import type { RangedFile, ReadRange } from "./ranged_file.ts";

/** How patient to be with a server. */
export interface RetryOptions {
  /** Seconds before each try after the first. */
  readonly delays: readonly number[];
  /** Seconds until an answer that does not end counts as none. */
  readonly timeout: number;
}

const DEFAULT_RETRY: RetryOptions = { delays: [0.25, 1, 4], timeout: 60 };

/** Fetched where few bytes are needed: a header, and the small files that follow it. */
const READ_AHEAD_BYTES = 1 << 15;

interface RangeResponse {
  readonly bytes: Uint8Array;
  readonly fileSize: number;
  /** What changes with the file; "" where the server does not say. */
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
export async function openHttpFile(
  url: string,
  retry: RetryOptions = DEFAULT_RETRY,
): Promise<RangedFile> {
  const name = redactUrl(url);
  const readRange = async (offset: number, length: number, opened?: RangeResponse) => {
    let failures = 0;
    try {
      return await withRetries(
        () => fetchRange(url, offset, length, retry.timeout, opened),
        () => retry.delays[failures++],
      );
    } catch (error) {
      throw readError(name, error);
    }
  };
  const first = await readRange(0, 1);
  const read: ReadRange = async (offset, length) =>
    length === 0 ? new Uint8Array() : (await readRange(offset, length, first)).bytes;
  return {
    name,
    size: first.fileSize,
    fingerprint: `${first.fileSize} ${first.validator}`,
    isRemote: true,
    readAheadBytes: READ_AHEAD_BYTES,
    withReader: (use) => use(read),
  };
}

function readError(name: string, error: unknown): Error {
  let reason = errorReason(error);
  if (error instanceof Deno.errors.NotCapable) {
    const { host } = new URL(name);
    reason = `this program may not use the network: run with --allow-net=${host}`;
  } else if (error instanceof SourceError) {
    const wasRetried = error.cause !== undefined;
    reason = `the server ${reason}${wasRetried ? ": run again when it responds" : ""}`;
  }
  return new Error(`Cannot read "${name}": ${reason}`, { cause: error });
}

async function fetchRange(
  url: string,
  offset: number,
  length: number,
  timeout: number,
  opened: RangeResponse | undefined,
): Promise<RangeResponse> {
  const end = offset + length - 1;
  const signal = AbortSignal.timeout(1000 * timeout);
  const headers = { range: `bytes=${offset}-${end}` };
  const response = await requestFile(url, signal, headers, { redirects: "same-host" });
  try {
    assertFileStatus(response);
    if (response.status === 200) {
      throw new SourceError(
        "sends whole files only, and parts of this one are needed: download it, or use a " +
          "server that answers range requests",
      );
    }
    const range = parseContentRange(response.headers);
    if (range === null || range.start !== offset || range.end !== end) {
      throw new SourceError("sent a different range than requested");
    }
    const validator = validatorOf(response.headers) ?? "";
    const fileSize = range.total;
    if (fileSize === null) throw new SourceError("does not say how long the file is");
    if (opened && (opened.fileSize !== fileSize || opened.validator !== validator)) {
      throw new SourceError("has changed the file since it was opened: start again");
    }
    return { bytes: await readBody(response, length), fileSize, validator };
  } finally {
    // The rest of an answer that is not used.
    if (!response.bodyUsed) await response.body?.cancel();
  }
}
