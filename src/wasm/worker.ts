/** One thread of the pool. @module */
import { openControl, serveCalls, type WorkerStart } from "./thread_pool.ts";

// The types know the main thread's scope alone.
const scope = self as unknown as {
  onmessage: (event: MessageEvent<WorkerStart>) => void;
  postMessage(message: "ready"): void;
};

scope.onmessage = ({ data }) => {
  const { module, memory, control, scratch } = data;
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  // In the order of the module's exports, as on the main thread.
  const kernels = WebAssembly.Module.exports(module)
    .filter(({ kind }) => kind === "function")
    .map(({ name }) => exports[name] as (...args: number[]) => void);
  scope.postMessage("ready");
  serveCalls(openControl(memory, control), kernels, scratch);
};
