/** Threads of Deno. @module */
import { Worker } from "node:worker_threads";
import type { WorkerStart } from "./thread_pool.ts";

/** Starts a thread that serves the calls of an engine; see {@linkcode openWasmEngine}. */
export async function startThread(start: WorkerStart): Promise<Worker> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url));
  await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.postMessage(start);
  });
  worker.unref(); // it waits for calls as long as the process lives
  return worker;
}
