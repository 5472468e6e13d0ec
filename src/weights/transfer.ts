/**
 * Bytes from one address into a part of a file, however often the connection breaks.
 *
 * A part is continued by a range request under the condition (If-Range) that the file is
 * still the same; a server that ignores either sends the whole file, and the part starts
 * over. Source: RFC 9110, sections 13.1.5 and 14.
 *
 * @module
 */
import {
  assertFile,
  assertNoPage,
  continues,
  SourceError,
  sourceId,
  stateOf,
  totalBeyond,
  TryAgainError,
} from "./http_answer.ts";
import type { PartFile } from "./part_file.ts";

/** How to transfer. */
export interface TransferOptions {
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal;
  /** Whether a wrong file would be noticed afterwards: parts may then be mixed. */
  readonly isChecked: boolean;
  /** Exact size of the file; null: not known. */
  readonly bytes: number | null;
  /** Seconds before each try after the first; progress starts them anew. */
  readonly pauses: readonly number[];
  /** Seconds without a byte after which a connection counts as broken. */
  readonly patience: number;
  /** Called when bytes have come; null: a total that is not announced. */
  readonly onBytes: (received: number, total: number | null) => void;
  /** Called before a pause. */
  readonly onPause: (reason: string, seconds: number) => void;
}

/** Progress that makes up for the failures before it, in bytes. */
const ENOUGH = 1 << 20;

/** What broke, without the address: it may hold secrets, and who reports it knows it. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message } = error.cause instanceof Error ? error.cause : error;
  return message
    .replace(/^error sending request for url \([^)]*\):? ?/, "")
    .replace(/^client error \(\w+\): /, "")
    .replace(/ for url \([^)]*\)/, "")
    .replace(/\.$/, "");
}

/** A host that was never reached: waiting helps less than where a connection broke. */
class UnreachableError extends TryAgainError {}

const sleep = (seconds: number, signal: AbortSignal) =>
  new Promise<void>((done) => {
    const wake = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      done();
    };
    const timer = setTimeout(wake, seconds * 1000);
    signal.addEventListener("abort", wake);
  });

/** Aborts a request whose server has gone silent; `heard` starts the wait anew. */
function watch(signal: AbortSignal, seconds: number) {
  const silence = new AbortController();
  const expire = () =>
    silence.abort(new TryAgainError(`no byte came for ${seconds} seconds`));
  let timer = setTimeout(expire, seconds * 1000);
  return {
    signal: AbortSignal.any([signal, silence.signal]),
    heard() {
      clearTimeout(timer);
      timer = setTimeout(expire, seconds * 1000);
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

/** How the bytes of a file came: from one answer, or from several over time. */
export type Coming = "at once" | "in pieces";

/** One request. @returns Null: the part is given up, and the file is asked for anew. */
async function attempt(
  url: string,
  part: PartFile,
  how: TransferOptions,
): Promise<Coming | null> {
  const { state, size: offset } = part;
  const isSame = state?.source === sourceId(url);
  // Another address may have the same file under another tag.
  const condition = isSame ? state?.validator ?? null : null;
  if (offset > 0 && condition === null && !how.isChecked) await part.clear();
  const goesOn = part.size > 0;
  if (goesOn && state?.total === offset) return "in pieces"; // a start ended here

  using watched = watch(how.signal, how.patience);
  const request = how.fetch(url, {
    signal: watched.signal,
    headers: {
      "accept-encoding": "identity", // lengths and ranges are those of the file
      ...(goesOn ? { range: `bytes=${offset}-` } : {}),
      ...(goesOn && condition !== null ? { "if-range": condition } : {}),
    },
  });
  const response = await request.catch((error) => {
    if (!(error instanceof TypeError)) throw error;
    throw new UnreachableError(`cannot be reached: ${reasonOf(error)}`, { cause: error });
  });
  const discard = () => response.body?.cancel().catch(() => {});

  if (goesOn && response.status === 416) {
    await discard();
    if (totalBeyond(response) === offset) return "in pieces";
    await part.clear();
    return null;
  }
  try {
    assertFile(response);
  } catch (error) {
    await discard();
    throw error;
  }
  const before = state && { ...state, validator: condition };
  const isRest = goesOn && before !== null && continues(before, offset, response);
  if (response.status === 206 && !isRest) {
    await discard();
    if (!goesOn) throw new SourceError("answers with a part that nobody asked for");
    await part.clear();
    return null;
  }
  await receive(url, response, part, how, watched.heard);
  return response.status === 200 ? "at once" : "in pieces";
}

/** Writes what an answer brings behind the part, or in its place. */
async function receive(
  url: string,
  response: Response,
  part: PartFile,
  { bytes, isChecked, onBytes }: TransferOptions,
  heard: () => void,
): Promise<void> {
  const isWhole = response.status === 200;
  const next = isWhole ? stateOf(url, response) : part.state;
  const total = next?.total ?? null;
  const reader = response.body?.getReader();
  try {
    if (total !== null && bytes !== null && total !== bytes) {
      throw new SourceError(`has a file of ${total} bytes instead of ${bytes}`);
    }
    const isFramed = total !== null || response.headers.has("transfer-encoding");
    if (!isFramed && !isChecked) {
      throw new SourceError(
        "does not say how long the file is, and no checksum is known",
      );
    }
    let isFirst = isWhole;
    for (;;) {
      const { done, value } = await reader?.read() ?? { done: true };
      if (done || value === undefined) break;
      if (value.length === 0) continue;
      heard();
      if (isFirst && next !== null) {
        assertNoPage(value, response); // before the old part is given up
        await part.begin(next);
      }
      isFirst = false;
      await part.append(value);
      onBytes(part.size, total);
    }
    if (isFirst) throw new SourceError("answers with an empty file");
  } catch (error) {
    await reader?.cancel().catch(() => {});
    throw error;
  }
  if (total !== null && part.size < total) {
    throw new TryAgainError(`the connection broke after ${part.size} of ${total} bytes`);
  }
  if (total !== null && part.size > total) {
    await part.clear();
    throw new SourceError(`sends more than the ${total} bytes that it announced`);
  }
}

/** Errors that another try cannot mend: ours, the disk's and missing permissions. */
const isFinal = (error: unknown) =>
  !(error instanceof TryAgainError || error instanceof TypeError ||
    error instanceof Deno.errors.Http || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.UnexpectedEof || error instanceof Deno.errors.TimedOut);

/**
 * Transfers the file at an address, going on where the part ends.
 *
 * @param url http or https; redirections are followed.
 * @returns How the bytes came; those of several answers may belong to several files.
 * @throws {SourceError} If the file cannot be had there.
 * @throws {Error} If it cannot be written.
 */
export async function transfer(
  url: string,
  part: PartFile,
  how: TransferOptions,
): Promise<Coming> {
  let failures = 0; // the more, the longer the pause
  let tries = 0;
  let best = part.size;
  for (;;) {
    how.signal.throwIfAborted();
    try {
      const coming = await attempt(url, part, how);
      if (coming !== null) return coming;
    } catch (error) {
      how.signal.throwIfAborted();
      if (isFinal(error)) throw error;
      if (part.size >= best + ENOUGH) failures = 0;
      best = Math.max(best, part.size);
      tries++;
      const seconds = how.pauses[failures];
      failures += error instanceof UnreachableError ? 2 : 1;
      const reason = error instanceof TryAgainError ? error.message : reasonOf(error);
      if (seconds === undefined) {
        throw new SourceError(`${reason} (after ${tries} tries)`, { cause: error });
      }
      how.onPause(reason, seconds);
      await sleep(seconds, how.signal);
    }
  }
}
