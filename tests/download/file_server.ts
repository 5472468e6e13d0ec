/** A server for files that misbehaves on request, down to the bytes on the wire. */

import { createHash } from "node:crypto";

/** What was asked. */
export interface Asked {
  readonly path: string;
  readonly headers: Headers;
  /** How many requests came before this one. */
  readonly before: number;
}

/** What goes over the wire; whatever the headers promise. */
export interface Answer {
  readonly status: string;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: Uint8Array;
  /** After so many bytes of the body, the connection is closed. */
  readonly cut?: number | undefined;
  /** The connection is kept open, silent, instead of closed. */
  readonly hangs?: boolean;
}

/** Bytes that compress badly and repeat nowhere. */
export function someBytes(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

export const sha256 = (bytes: Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex");

/** How a file is served when nothing is wrong but a connection that is cut. */
export interface Serving {
  readonly etag?: string | null;
  readonly ranges?: boolean;
  readonly cut?: number | undefined;
}

/** What an honest server answers. */
export function fileAnswer(
  { headers }: Asked,
  body: Uint8Array,
  { etag = '"one"', ranges = true, cut }: Serving = {},
): Answer {
  const tag: Record<string, string> = etag === null ? {} : { etag };
  const range = /^bytes=(\d+)-$/.exec(headers.get("range") ?? "");
  const condition = headers.get("if-range");
  if (!ranges || range === null || (condition !== null && condition !== etag)) {
    return {
      status: "200 OK",
      headers: { "content-length": body.length, ...tag },
      body,
      cut,
    };
  }
  const start = Number(range[1]);
  const total = body.length;
  if (start >= total) {
    return {
      status: "416 Range Not Satisfiable",
      headers: { "content-range": `bytes */${total}`, "content-length": 0 },
    };
  }
  return {
    status: "206 Partial Content",
    headers: {
      "content-length": total - start,
      "content-range": `bytes ${start}-${total - 1}/${total}`,
      ...tag,
    },
    body: body.subarray(start),
    cut,
  };
}

/** Answers for a file at one path; nothing is at any other. */
export const fileAt = (path: string, file: Uint8Array) => (asked: Asked): Answer =>
  asked.path === path ? fileAnswer(asked, file) : { status: "404 Not Found" };

/** Answers for a file; the first one falls silent after so many bytes. */
export const stalling = (file: Uint8Array, cut: number) => (asked: Asked): Answer =>
  asked.before === 0
    ? { ...fileAnswer(asked, file, { cut }), hangs: true }
    : fileAnswer(asked, file);

async function readRequest(conn: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(4096);
  let text = "";
  while (!text.includes("\r\n\r\n")) {
    const read = await conn.read(buffer);
    if (read === null) break;
    text += new TextDecoder().decode(buffer.subarray(0, read));
  }
  return text;
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array) {
  for (let written = 0; written < bytes.length;) {
    written += await conn.write(bytes.subarray(written));
  }
}

/**
 * Serves on this machine while `use` runs.
 *
 * @param use Gets the address, without a slash at its end, and what was asked so far.
 */
export async function withServer(
  answer: (asked: Asked) => Answer,
  use: (base: string, log: readonly Asked[]) => Promise<void>,
): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const log: Asked[] = [];
  const open = new Set<Deno.Conn>();
  const work: Promise<void>[] = [];
  async function serve(conn: Deno.Conn) {
    open.add(conn);
    try {
      const [line = "", ...lines] = (await readRequest(conn)).trim().split("\r\n");
      const headers = new Headers(
        lines.map((one) => one.split(/: */, 2) as [string, string]),
      );
      const asked = { path: line.split(" ")[1] ?? "", headers, before: log.length };
      if (line === "") return;
      log.push(asked);
      const { status, headers: sent = {}, body = new Uint8Array(), cut, hangs } = answer(
        asked,
      );
      const head = Object.entries(sent).map(([name, value]) => `${name}: ${value}\r\n`);
      const text = `HTTP/1.1 ${status}\r\nconnection: close\r\n${head.join("")}\r\n`;
      await writeAll(conn, new TextEncoder().encode(text));
      await writeAll(conn, body.subarray(0, cut ?? body.length));
      if (hangs) await conn.read(new Uint8Array(1)); // until the other side gives up
    } catch {
      // the client has hung up
    } finally {
      open.delete(conn);
      conn.close();
    }
  }
  const accepting = (async () => {
    for await (const conn of listener) work.push(serve(conn));
  })().catch(() => {});
  try {
    await use(`http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`, log);
  } finally {
    listener.close();
    await accepting;
    await Promise.all(work);
  }
}
