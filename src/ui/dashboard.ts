/**
 * The page of a run beside the run itself: in a thread of its own, which sees the run's
 * folder only, so that neither can hold up or end the other.
 *
 * @module
 */
import type { DashboardReply, DashboardRequest } from "./dashboard_worker.ts";
import type { Dashboard, DashboardOptions } from "./server.ts";

export type { Dashboard, DashboardOptions };

/** Milliseconds that a page may take to end; a run does not wait longer for it. */
const LONGEST_CLOSE = 2000;

/**
 * Serves the page of runs, also of one that this program is about to train.
 *
 * ```ts ignore
 * const dashboard = await openDashboard({ runs: ["runs/mine"] });
 * console.log(dashboard.url);
 * await train(config, { out: "runs/mine" });
 * await dashboard.close();
 * ```
 *
 * @param log Called with a sentence if the page fails later; the program goes on.
 * @throws {Error} If no port is free, or there is no permission to listen.
 */
export async function openDashboard(
  options: DashboardOptions,
  log: (line: string) => void = () => {},
): Promise<Dashboard> {
  // What a program imports is fetched with it, what its workers import is not: the thread
  // then finds its packages without a network, too.
  await import("./page_files.ts");
  const worker = new Worker(new URL("./dashboard_worker.ts", import.meta.url), {
    type: "module",
  });
  const opened = Promise.withResolvers<string>();
  const closed = Promise.withResolvers<void>();
  worker.onmessage = ({ data }: MessageEvent<DashboardReply>) => {
    if (data.kind === "opened") opened.resolve(data.url);
    else if (data.kind === "failed") opened.reject(new Error(data.message));
    if (data.kind !== "opened") closed.resolve();
  };
  worker.onerror = (event) => {
    event.preventDefault(); // or it would end the run
    const sentence = `Cannot show the page any longer: ${
      event.message.replace(/\.$/, "")
    }`;
    opened.reject(new Error(sentence));
    closed.resolve();
    log(sentence);
  };
  const send = (request: DashboardRequest) => worker.postMessage(request);
  send({ kind: "open", options });
  const url = await opened.promise.catch((error) => {
    worker.terminate();
    throw error;
  });
  return {
    url,
    async close() {
      send({ kind: "close" });
      const timer = setTimeout(closed.resolve, LONGEST_CLOSE);
      await closed.promise;
      clearTimeout(timer);
      worker.terminate();
    },
  };
}
