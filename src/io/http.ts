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

/** Whether a text is an address, and no path: C:\… has one letter. */
export const isAddress = (text: string): boolean => /^[a-z][a-z0-9+.-]+:\/\//i.test(text);

/**
 * Parses an address of the web.
 *
 * @returns Null: it is no address, for example a path.
 * @throws {RangeError} If it is an address of another kind.
 */
export function parseHttpUrl(text: string): URL | null {
  if (!isAddress(text)) return null;
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
    .replace(/ \(os error \d+\)/, "")
    .replace(/\.$/, "");
}

/** Redirects that are followed, one after the other. */
const MOST_REDIRECTS = 5;

/**
 * Requests a file or a range of it, uncompressed, so that lengths and ranges are those of
 * the file.
 *
 * @param redirects "anywhere" follows them, as downloads from public places need it;
 * "same-host" only where they lead to the host that was named: nobody else is to be asked.
 * @throws {UnreachableError} If there is no response.
 * @throws {SourceError} If it is a redirect that is not followed.
 */
export async function requestFile(
  url: string,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>>,
  { fetchFile = fetch, redirects = "anywhere" }: {
    readonly fetchFile?: typeof fetch | undefined;
    readonly redirects?: "anywhere" | "same-host";
  } = {},
): Promise<Response> {
  const redirect = redirects === "anywhere" ? "follow" : "manual";
  const request = {
    signal,
    headers: { "accept-encoding": "identity", ...headers },
    redirect,
  } as const;
  let asked = url;
  for (let followed = 0;; followed++) {
    const response = await fetchFile(asked, request).catch((error) => {
      if (!(error instanceof TypeError)) throw error;
      throw new UnreachableError(`cannot be reached: ${networkReason(error)}`, {
        cause: error,
      });
    });
    const next = redirect === "manual" ? redirectOf(asked, response) : null;
    if (next === null) return response;
    await response.body?.cancel();
    assertSameHost(asked, next);
    if (followed === MOST_REDIRECTS) throw new SourceError("redirects without an end");
    asked = next.href;
  }
}

/** Where a response redirects to; null: it does not. */
function redirectOf(url: string, { status, headers }: Response): URL | null {
  const place = headers.get("location");
  if (status < 300 || status > 399 || place === null) return null;
  return URL.canParse(place, url) ? new URL(place, url) : null;
}

function assertSameHost(url: string, next: URL): void {
  const { hostname, protocol } = new URL(url);
  if (next.hostname !== hostname) {
    throw new SourceError(
      `redirects to another host, ${next.hostname}, which was not named: name the address ` +
        "there, or download the file",
    );
  }
  if (next.protocol === protocol || next.protocol === "https:") return;
  throw new SourceError("redirects to an address that is not encrypted");
}

/**
 * Reads the body of a response, and not more of it than is wanted: what a server goes on to
 * send is not received.
 *
 * @throws {TransientError} If it is shorter.
 * @throws {SourceError} If it is longer.
 */
export async function readBody(
  response: Response,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let received = 0;
  for await (const chunk of response.body ?? []) { // leaving the loop cancels the rest
    received += chunk.length;
    if (received > length) {
      throw new SourceError(`sends more than the ${length} bytes that were requested`);
    }
    chunks.push(chunk);
  }
  if (received < length) throw new TransientError("cut its answer short");
  const bytes = new Uint8Array(length); // only now: what has come bounds it
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
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
