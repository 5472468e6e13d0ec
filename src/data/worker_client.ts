/** Threads that prepare batches or scan images, as the main thread sees them. @module */

import type {
  WorkerMessage,
  WorkerReply,
  WorkerRequests,
  WorkerResults,
  WorkerTask,
} from "./data_worker.ts";

/** A thread that works on one request after the other. */
export interface DataWorker<Kind extends WorkerTask["kind"]> {
  /** How many requests have no result yet. */
  readonly pendingCount: () => number;
  /** Rejects with what the thread threw: the same kind of error, the same sentence. */
  request(request: WorkerRequests[Kind]): Promise<WorkerResults[Kind]>;
  /**
   * Cancels what is not done, which is rejected with the reason, and ends the thread. Waits
   * only for files that are being decoded.
   */
  close(reason: Error): Promise<void>;
}

/**
 * Starts a thread.
 *
 * @param purpose For the message where the thread itself fails, as in "Cannot make batches".
 */
export function startWorker<Kind extends WorkerTask["kind"]>(
  task: WorkerTask & { readonly kind: Kind },
  purpose: string,
): DataWorker<Kind> {
  const worker = new Worker(new URL("./data_worker.ts", import.meta.url), {
    type: "module",
  });
  const cancelled = new Int32Array(new SharedArrayBuffer(4));
  const pending = new Map<number, PromiseWithResolvers<WorkerResults[Kind]>>();
  const ended = Promise.withResolvers<void>();
  let nextId = 0;
  /** Why the thread can do no more; null as long as it can. */
  let failure: Error | null = null;

  const send = (message: WorkerMessage<WorkerRequests[Kind]>) =>
    worker.postMessage(message);
  const rejectAll = (error: Error) => {
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
  };
  worker.onmessage = ({ data }: MessageEvent<WorkerReply<WorkerResults[Kind]>>) => {
    if (data.kind === "closed") {
      worker.terminate();
      return ended.resolve();
    }
    const request = pending.get(data.id);
    pending.delete(data.id);
    if (data.kind === "result") request?.resolve(data.result);
    else request?.reject(data.error);
  };
  // Not a request, but the thread itself failed: it did not load, or ran out of memory.
  worker.onerror = (event) => {
    event.preventDefault();
    const reason = event.message.replace(/\.$/, "");
    failure = new Error(`Cannot ${purpose}: a worker failed: ${reason}`);
    rejectAll(failure);
    ended.resolve();
  };
  send({ kind: "open", task, cancelled });
  return {
    pendingCount: () => pending.size,
    request(request) {
      if (failure !== null) return Promise.reject(failure);
      const id = nextId++;
      const result = Promise.withResolvers<WorkerResults[Kind]>();
      pending.set(id, result);
      send({ kind: "request", id, request });
      return result.promise;
    },
    close(reason) {
      failure ??= reason;
      Atomics.store(cancelled, 0, 1);
      rejectAll(reason);
      send({ kind: "close" });
      return ended.promise;
    },
  };
}
