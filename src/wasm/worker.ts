/** One thread of the pool. @module */
import { openControl, serveCalls, type WorkerStart } from "./thread_pool.ts";

self.onmessage = ({ data }: MessageEvent<WorkerStart>) => {
  const { module, memory, control, scratch } = data;
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  // In the order of the module's exports, as on the main thread.
  const kernels = WebAssembly.Module.exports(module)
    .filter(({ kind }) => kind === "function")
    .map(({ name }) => exports[name] as (...args: number[]) => void);
  self.postMessage("ready");
  serveCalls(openControl(memory, control), kernels, scratch);
};
