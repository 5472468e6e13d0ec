/**
 * Downloads from one address into a partial file, resuming after broken connections.
 *
 * A partial file is resumed by a range request with the condition (If-Range) that the
 * file has not changed; a server that ignores either sends the whole file, and the
 * partial file starts over. Source: RFC 9110, sections 13.1.5 and 14.
 *
 * @module
 */
import { createHash } from "node:crypto";
import {
  assertFileStatus,
  parseContentRange,
  requestFile,
  SourceError,
  TransientError,
  UnreachableError,
  validatorOf,
  withRetries,
} from "../io/http.ts";
import type { PartialFile, PartialState } from "./partial_file.ts";

/** How to transfer. */
export interface TransferOptions {
  readonly fetch: typeof fetch | undefined;
  readonly signal: AbortSignal;
  /** Whether a checksum detects a wrong file: bytes without validators may then mix. */
  readonly hasChecksum: boolean;
  /** Exact size of the file; null: not known. */
  readonly bytes: number | null;
  /** The most that is received, whatever the server announces. */
  readonly mostBytes: number;
  /** Seconds before each try after the first; progress resets them. */
  readonly retryDelays: readonly number[];
  /** Seconds without a byte after which a connection counts as broken. */
  readonly idleTimeout: number;
  /** Called when bytes arrive; a total of null was not announced. */
  readonly onBytes: (received: number, total: number | null) => void;
  /** Called before a wait. */
  readonly onRetry: (reason: string, seconds: number) => void;
}

/** Bytes of progress that reset the retries. */
const PROGRESS_RESETTING_RETRIES = 1 << 20;

/** A short hash that stands for an address without revealing it. */
export const hashUrl = (url: string): string =>
  createHash("sha256").update(url).digest("hex").slice(0, 16);

/** The state of a whole file according to its headers. */
function readRemoteState(url: string, { headers }: Response): PartialState {
  const length = headers.get("content-length") ?? "";
  const isAnnounced = headers.get("content-encoding") === null &&
    /^\d{1,15}$/.test(length);
  return {
    source: hashUrl(url),
    validator: validatorOf(headers),
    total: isAnnounced ? Number(length) : null,
  };
}

/** Whether a response of status 206 continues a partial file exactly at its end. */
function isContinuation(
  state: PartialState,
  offset: number,
  { headers }: Response,
): boolean {
  const range = parseContentRange(headers);
  if (range === null || range.start !== offset) return false;
  const differs = <T>(a: T | null, b: T | null) => a !== null && b !== null && a !== b;
  // Some servers ignore If-Range and send the rest of a changed file.
  return !differs(range.total, state.total) &&
    !differs(validatorOf(headers), state.validator);
}

function webPageError(url: string): SourceError {
  const host = url === "" ? "" : new URL(url).hostname;
  const why = /(^|\.)google(usercontent)?\.com$/.test(host)
    ? ": Google Drive wants a person to confirm in a browser"
    : /(^|\.)huggingface\.co$/.test(host)
    ? ": Hugging Face may want its terms accepted in a browser first"
    : "";
  return new SourceError(`answers with a web page instead of the file${why}`);
}

/**
 * Detects what servers send with status 200 instead of a file of weights.
 *
 * @param first The first bytes of the file.
 * @throws {SourceError} If it is a web page or a Git LFS pointer.
 */
function assertNotWebPage(first: Uint8Array, { url }: Response): void {
  const text = new TextDecoder().decode(first.subarray(0, 64)).trimStart();
  // A file of weights may begin with the same byte, but does not continue in letters.
  if (/^<[!?a-z][\t\n\r\x20-\x7e\u0080-\uffff]*$/i.test(text)) throw webPageError(url);
  if (text.startsWith("version https://git-lfs")) {
    throw new SourceError("answers with a Git LFS pointer instead of the file");
  }
}

/** @throws {SourceError} If a redirect has lost the encryption, and no checksum makes up. */
function assertStaysEncrypted(
  url: string,
  response: Response,
  { hasChecksum }: TransferOptions,
): void {
  const isLost = url.startsWith("https:") && response.url.startsWith("http:");
  if (!isLost || hasChecksum) return;
  throw new SourceError("redirects to an address that is not encrypted");
}

/** Aborts a request when no byte arrives for some seconds; `restart` resets the timer. */
function idleWatchdog(signal: AbortSignal, seconds: number) {
  const idleController = new AbortController();
  const expire = () =>
    idleController.abort(new TransientError(`no byte came for ${seconds} seconds`));
  let timer = setTimeout(expire, seconds * 1000);
  return {
    signal: AbortSignal.any([signal, idleController.signal]),
    restart() {
      clearTimeout(timer);
      timer = setTimeout(expire, seconds * 1000);
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

/** Whether the bytes of a file came from one response or from more than one. */
export type Delivery = "single response" | "resumed";

/** One request. @returns Null: the bytes were deleted and must be requested anew. */
async function requestOnce(
  url: string,
  partial: PartialFile,
  options: TransferOptions,
): Promise<Delivery | null> {
  const { state, size: offset } = partial;
  const isSameSource = state?.source === hashUrl(url);
  // Another address may have the same file under another tag.
  const condition = isSameSource ? state?.validator ?? null : null;
  if (offset > 0 && condition === null && !options.hasChecksum) await partial.clear();
  const resumes = partial.size > 0;
  if (resumes && state?.total === offset) return "resumed"; // complete already

  using watchdog = idleWatchdog(options.signal, options.idleTimeout);
  const headers = {
    ...(resumes ? { range: `bytes=${offset}-` } : {}),
    ...(resumes && condition !== null ? { "if-range": condition } : {}),
  };
  const response = await requestFile(url, watchdog.signal, headers, {
    fetchFile: options.fetch,
  });
  const { status } = response;
  const resumedState = state && { ...state, validator: condition };
  try {
    if (resumes && status === 416) {
      if (parseContentRange(response.headers)?.total === offset) return "resumed";
      await partial.clear();
      return null;
    }
    assertFileStatus(response);
    assertStaysEncrypted(url, response, options);
    if (/^text\/html\b/i.test(response.headers.get("content-type") ?? "")) {
      throw webPageError(response.url);
    }
    const continues = resumes && resumedState !== null &&
      isContinuation(resumedState, offset, response);
    if (status === 206 && !continues) {
      if (!resumes) throw new SourceError("answers with a range that was not requested");
      await partial.clear();
      return null;
    }
    await receiveBody(url, response, partial, options, watchdog.restart);
    return status === 200 ? "single response" : "resumed";
  } finally {
    if (!response.bodyUsed) await response.body?.cancel().catch(() => {});
  }
}

/** Appends the body of a response to the partial file, or replaces it. */
async function receiveBody(
  url: string,
  response: Response,
  partial: PartialFile,
  { bytes, mostBytes, hasChecksum, onBytes }: TransferOptions,
  restartTimer: () => void,
): Promise<void> {
  const isWhole = response.status === 200;
  const next = isWhole ? readRemoteState(url, response) : partial.state;
  const total = next?.total ?? null;
  if (total !== null && bytes !== null && total !== bytes) {
    throw new SourceError(`has a file of ${total} bytes instead of ${bytes}`);
  }
  const most = total ?? bytes ?? mostBytes;
  if (most > mostBytes) {
    throw new SourceError(
      `has a file of ${most} bytes, and at most ${mostBytes} were expected`,
    );
  }
  const isFramed = total !== null || response.headers.has("transfer-encoding");
  if (!isFramed && !hasChecksum) {
    throw new SourceError("does not say how long the file is, and no checksum is known");
  }
  let isFirst = isWhole;
  for await (const chunk of response.body ?? []) {
    if (chunk.length === 0) continue;
    restartTimer();
    if (isFirst && next !== null) {
      assertNotWebPage(chunk, response); // before the old bytes are deleted
      await partial.restart(next);
    }
    isFirst = false;
    if (partial.size + chunk.length > most) {
      await partial.clear();
      throw new SourceError(`sends more than the ${most} bytes that were expected`);
    }
    await partial.append(chunk);
    onBytes(partial.size, total);
  }
  if (isFirst) throw new SourceError("answers with an empty file");
  if (total !== null && partial.size < total) {
    throw new TransientError(
      `the connection broke after ${partial.size} of ${total} bytes`,
    );
  }
}

/**
 * Downloads the file at an address, resuming where the partial file ends.
 *
 * @param url http or https; redirects are followed.
 * @returns Whether one response had all bytes; resumed bytes may be of different files.
 * @throws {SourceError} If the server does not provide the file.
 * @throws {Error} If the file cannot be written.
 */
export async function transferFile(
  url: string,
  partial: PartialFile,
  options: TransferOptions,
): Promise<Delivery> {
  let failures = 0; // the more, the longer the pause
  let furthestSize = partial.size;
  const delayAfter = (error: unknown) => {
    if (partial.size >= furthestSize + PROGRESS_RESETTING_RETRIES) failures = 0;
    furthestSize = Math.max(furthestSize, partial.size);
    const seconds = options.retryDelays[failures];
    failures += error instanceof UnreachableError ? 2 : 1;
    return seconds;
  };
  for (;;) {
    const attempt = () => requestOnce(url, partial, options);
    const delivery = await withRetries(
      attempt,
      delayAfter,
      options.signal,
      options.onRetry,
    );
    if (delivery !== null) return delivery;
  }
}
