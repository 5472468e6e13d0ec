/** One thread of the pool. @module */
import { parentPort } from "node:worker_threads";
import { openControl, serveCalls, type WorkerStart } from "./thread_pool.ts";

parentPort?.once("message", ({ module, memory, control, scratch }: WorkerStart) => {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  // In the order of the module's exports, as on the main thread.
  const kernels = WebAssembly.Module.exports(module)
    .filter(({ kind }) => kind === "function")
    .map(({ name }) => exports[name] as (...args: number[]) => void);
  parentPort?.postMessage("ready");
  serveCalls(openControl(memory, control), kernels, scratch);
});
