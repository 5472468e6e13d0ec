/**
 * The page of runs, on the loopback address: its files, the panels of the runs, and a stream
 * of events with what changes in their folders. Everything else is refused.
 *
 * @module
 */
import { PAGE_FILES } from "./page_files.ts";
import { runNames, runsIn, type RunWatch, watchRun } from "./run_watch.ts";
import { resolve } from "node:path";

/** What to show, and where. */
export interface DashboardOptions {
  /** Folders of runs; they need not exist yet. */
  readonly runs: readonly string[];
  /** Folders whose runs are shown, too, as they appear. @default {[]} */
  readonly parents?: readonly string[];
  /** The port; unless given, the first from 8787 on that is free. */
  readonly port?: number | undefined;
}

/** A page that is served. */
export interface Dashboard {
  /** Its address. */
  readonly url: string;
  /** Sends the last news and ends. */
  close(): Promise<void>;
}

/** Only programs of this machine reach it. */
const HOSTNAME = "127.0.0.1";

/** Where the search for a free port begins, and how many are tried. */
const FIRST_PORT = 8787;
const PORTS_TRIED = 20;

const MILLISECONDS_BETWEEN_LOOKS = 1000;

/** Comments keep the stream open and tell of pages that are gone. */
const LOOKS_BETWEEN_COMMENTS = 15;

/** A page that has not taken so many messages is cut off; it comes back and gets all. */
const MOST_UNREAD_MESSAGES = 256;

const HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-cache",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
};

/**
 * Serves the page.
 *
 * @throws {Error} If the port, or every one that is tried, is in use, or there is no
 * permission to listen.
 */
export function serveDashboard(
  { runs, parents = [], port }: DashboardOptions,
): Dashboard {
  const watches: RunWatch[] = [];
  const known = new Map<string, RunWatch>();
  const pages = new Set<ReadableStreamDefaultController<Uint8Array>>();
  const encoder = new TextEncoder();
  let looking: Promise<void> = Promise.resolve();
  let looks = 0;

  const addRuns = (paths: readonly string[]) => {
    const added = paths.filter((path) => !known.has(resolve(path)));
    const names = runNames([...known.keys(), ...added]).slice(known.size);
    added.forEach((path, i) => {
      const watch = watchRun(watches.length, path, names[i] ?? path);
      watches.push(watch);
      known.set(resolve(path), watch);
    });
  };
  addRuns(runs);

  const send = (page: ReadableStreamDefaultController<Uint8Array>, text: string) => {
    try {
      if ((page.desiredSize ?? 0) > -MOST_UNREAD_MESSAGES) {
        return page.enqueue(encoder.encode(text));
      }
      page.close();
    } catch {
      // closed by the other side in this moment
    }
    pages.delete(page);
  };
  const message = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`;
  const look = async () => {
    for (const parent of parents) addRuns(await runsIn(parent).catch(() => []));
    for (const watch of watches) {
      const change = await watch.refresh();
      if (change === null) continue;
      for (const page of pages) send(page, message(change));
    }
    if (++looks % LOOKS_BETWEEN_COMMENTS === 0) {
      for (const page of pages) send(page, ":\n\n");
    }
  };
  // One after the other: a slow disk must not let them pile up.
  const lookNext = () => looking = looking.then(look).catch(() => {}); // the next one sees it
  const timer = setInterval(() => {
    if (pages.size > 0) lookNext();
  }, MILLISECONDS_BETWEEN_LOOKS);

  const openStream = () => {
    let page: ReadableStreamDefaultController<Uint8Array> | null = null;
    const stream = new ReadableStream<Uint8Array>({
      async start(controller) {
        await lookNext();
        page = controller;
        send(controller, "retry: 1000\n\n" + message({ runs: watches.length }));
        for (const watch of watches) send(controller, message(watch.snapshot()));
        pages.add(controller);
      },
      cancel() {
        if (page !== null) pages.delete(page);
      },
    });
    return new Response(stream, {
      headers: { ...HEADERS, "content-type": "text/event-stream" },
    });
  };

  const answer = async (request: Request): Promise<Response> => {
    const host = request.headers.get("host") ?? "";
    // Another name could be a foreign site's that leads here ("DNS rebinding").
    if (!isLoopbackHost(host)) {
      return refuse(403, `Cannot answer for the host "${host}": use ${HOSTNAME}`);
    }
    if (request.method !== "GET") {
      return refuse(405, `Cannot answer ${request.method}: this page is only read`);
    }
    const { pathname } = new URL(request.url);
    if (pathname === "/events") return openStream();
    const file = PAGE_FILES.get(pathname);
    if (file !== undefined) return respond(file.text, `${file.type}; charset=utf-8`);
    const [, id, iteration] = /^\/runs\/(\d{1,6})\/pictures\/(\d{1,15})\.png$/
      .exec(pathname) ?? [];
    const picture = id === undefined
      ? null
      : await watches[Number(id)]?.readPicture(Number(iteration)) ?? null;
    if (picture === null) return refuse(404, `Cannot find "${pathname}"`);
    return respond(picture, "image/png", { "cache-control": "private, max-age=86400" });
  };

  const server = listen(
    port,
    (request) =>
      answer(request).catch((error) =>
        refuse(500, error instanceof Error ? error.message : String(error))
      ),
  );
  return {
    url: `http://${HOSTNAME}:${server.addr.port}/`,
    async close() {
      clearInterval(timer);
      if (pages.size > 0) await lookNext();
      for (const page of pages) {
        try {
          page.close();
        } catch {
          // closed by the other side in this moment
        }
      }
      pages.clear();
      await server.shutdown();
    },
  };
}

/** Whether a `Host` names this machine; a tunnel may have another port at its end. */
function isLoopbackHost(host: string): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i.test(host);
}

function respond(
  body: BodyInit,
  type: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(body, {
    headers: { ...HEADERS, "content-type": type, ...headers },
  });
}

function refuse(status: number, sentence: string): Response {
  const headers = { ...HEADERS, "content-type": "text/plain; charset=utf-8" };
  return new Response(`${sentence}\n`, { status, headers });
}

function listen(
  port: number | undefined,
  handler: (request: Request) => Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  const last = port ?? FIRST_PORT + PORTS_TRIED - 1;
  for (let tried = port ?? FIRST_PORT;; tried++) {
    try {
      return Deno.serve({ hostname: HOSTNAME, port: tried, onListen() {} }, handler);
    } catch (error) {
      const isInUse = error instanceof Deno.errors.AddrInUse;
      if (isInUse && tried < last) continue;
      const reason = isInUse
        ? port === undefined
          ? `ports ${FIRST_PORT} to ${last} are in use`
          : "it is in use"
        : error instanceof Deno.errors.NotCapable
        ? `there is no permission to listen; run Deno with --allow-net=${HOSTNAME}`
        : error instanceof Error
        ? error.message
        : String(error);
      const where = port === undefined ? "" : ` on port ${port}`;
      const cure = error instanceof Deno.errors.NotCapable
        ? ""
        : "; choose another with --port";
      throw new Error(`Cannot serve the page${where}: ${reason}${cure}`, {
        cause: error,
      });
    }
  }
}
