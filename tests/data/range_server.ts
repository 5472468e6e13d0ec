/** A web server of files in memory that answers range requests, or fails to. @module */

import type { Files } from "./native/trees.ts";

/** How the server is to behave on the n-th request, counted from 0; "ok" is well. */
export type Behavior = (
  request: number,
) => "ok" | "whole" | "overloaded" | "cut" | "gone" | "other" | "changed";

/** A running server. */
export interface RangeServer {
  /** Its address, without a slash at the end. */
  readonly url: string;
  /** How many requests there were. */
  readonly requests: () => number;
  /** Bytes sent. */
  readonly sent: () => number;
}

/** Serves files while `use` runs. */
export async function withServer(
  files: Files,
  use: (server: RangeServer) => Promise<void>,
  behavior: Behavior = () => "ok",
): Promise<void> {
  let requests = 0;
  let sent = 0;
  const answer = (request: Request): Response => {
    const how = behavior(requests++);
    const body = files[decodeURIComponent(new URL(request.url).pathname.slice(1))];
    if (body === undefined || how === "gone") {
      return new Response("no", { status: 404, statusText: "Not Found" });
    }
    if (how === "overloaded") {
      return new Response("busy", { status: 503, statusText: "Service Unavailable" });
    }
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "");
    if (range === null || how === "whole") {
      return new Response(body.slice(), { status: 200 });
    }
    const start = Number(range[1]) + (how === "other" ? 1 : 0);
    const end = Math.min(Number(range[2]), body.length - 1);
    const part = body.slice(start, how === "cut" ? start + 1 : end + 1);
    sent += part.length;
    return new Response(part, {
      status: 206,
      headers: {
        "content-range": `bytes ${start}-${end}/${body.length}`,
        etag: how === "changed" ? '"two"' : '"one"',
      },
    });
  };
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, answer);
  try {
    await use({
      url: `http://127.0.0.1:${server.addr.port}`,
      requests: () => requests,
      sent: () => sent,
    });
  } finally {
    await server.shutdown();
  }
}
