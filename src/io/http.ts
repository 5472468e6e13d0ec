/**
 * HTTP rules that downloads and data sets share: addresses, statuses, validators, ranges
 * and retries.
 *
 * Source: RFC 9110, sections 8.8 (validators), 14 (ranges) and 15 (statuses).
 *
 * @module
 */
import { setTimeout } from "node:timers/promises";

/** A server that does not provide the file: retries do not help, another server may. */
export class SourceError extends Error {
  override readonly name = "SourceError";
}

/** A failure that the next try may not have. */
export class TransientError extends Error {
  override readonly name: string = "TransientError";
}

/** A server that was never reached: waiting helps less than after a broken connection. */
export class UnreachableError extends TransientError {
  override readonly name = "UnreachableError";
}

/** Transient statuses: overload, and gateways whose server is restarting. */
const TRANSIENT_STATUSES = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * Parses an address of the web.
 *
 * @returns Null: it is no address, for example a path.
 * @throws {RangeError} If it is an address of another kind.
 */
export function parseHttpUrl(text: string): URL | null {
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

/** An address without its user, query and fragment, which may be secret. */
export function redactUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** The cause of a network error, without the address, which may hold secrets. */
function networkReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message } = error.cause instanceof Error ? error.cause : error;
  return message
    .replace(/^error sending request for url \([^)]*\):? ?/, "")
    .replace(/^client error \(\w+\): /, "")
    .replace(/ for url \([^)]*\)/, "")
    .replace(/\.$/, "");
}

/**
 * Requests a file or a range of it, uncompressed, so that lengths and ranges are those of
 * the file. Redirects are followed.
 *
 * @throws {UnreachableError} If there is no response.
 */
export async function requestFile(
  url: string,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>>,
  fetchFile: typeof fetch = fetch,
): Promise<Response> {
  const request = { signal, headers: { "accept-encoding": "identity", ...headers } };
  return await fetchFile(url, request).catch((error) => {
    if (!(error instanceof TypeError)) throw error;
    throw new UnreachableError(`cannot be reached: ${networkReason(error)}`, {
      cause: error,
    });
  });
}

/**
 * Asserts that a response has a file or a range of it.
 *
 * @throws {TransientError} If its status is transient.
 * @throws {SourceError} If it has another status.
 */
export function assertFileStatus({ status, statusText }: Response): void {
  if (status === 200 || status === 206) return;
  const reason = `answers ${status} ${statusText}`.trimEnd();
  throw TRANSIENT_STATUSES.has(status)
    ? new TransientError(reason)
    : new SourceError(reason);
}

/**
 * The validator of a file, which changes with it: a strong entity tag, else the date of
 * change. A weak tag promises nothing about bytes (RFC 9110, section 13.1.5).
 */
export function validatorOf(headers: Headers): string | null {
  const tag = headers.get("etag");
  return tag !== null && !tag.startsWith("W/") ? tag : headers.get("last-modified");
}

/**
 * Parses the header Content-Range: the first byte, the last byte and the size of the
 * file.
 *
 * @returns Null for a value that the header omits; null alone if the header is absent or
 * malformed.
 */
export function parseContentRange(
  headers: Headers,
): Readonly<Record<"start" | "end" | "total", number | null>> | null {
  const match = /^bytes (?:(\d{1,15})-(\d{1,15})|\*)\/(?:(\d{1,15})|\*)$/
    .exec(headers.get("content-range") ?? "");
  if (match === null) return null;
  const [start = null, end = null, total = null] = match.slice(1)
    .map((digits) => digits === undefined ? null : Number(digits));
  return { start, end, total };
}

/** Whether another try may succeed: not after errors of ours, the disk or permissions. */
const isTransient = (error: unknown): boolean =>
  error instanceof TransientError || error instanceof TypeError ||
  error instanceof Deno.errors.Http || error instanceof Deno.errors.ConnectionReset ||
  error instanceof Deno.errors.UnexpectedEof || error instanceof Deno.errors.TimedOut ||
  error instanceof DOMException && error.name === "TimeoutError";

/**
 * Tries until an attempt succeeds.
 *
 * @param delayAfter Seconds to wait after a failure; undefined if it was the last try.
 * @param onRetry Called before a wait.
 * @throws {SourceError} After the last try, with the reason and the number of tries.
 * @throws Any other error of an attempt that is not transient, and the reason of
 * `signal`.
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  delayAfter: (error: unknown) => number | undefined,
  signal?: AbortSignal,
  onRetry: (reason: string, seconds: number) => void = () => {},
): Promise<T> {
  for (let attempts = 1;; attempts++) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      if (!isTransient(error)) throw error;
      const reason = error instanceof TransientError
        ? error.message
        : networkReason(error);
      const seconds = delayAfter(error);
      if (seconds === undefined) {
        throw new SourceError(`${reason} (after ${attempts} tries)`, { cause: error });
      }
      onRetry(reason, seconds);
      await setTimeout(1000 * seconds, undefined, signal && { signal }).catch(() => {});
    }
  }
}
