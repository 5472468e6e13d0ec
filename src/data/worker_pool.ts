/** Workers that make batches side by side. @module */

import type { HostBatch } from "../core/host_batch.ts";
import type { BatchOptions, BatchOrder, PerDomain } from "./batch_maker.ts";
import { unpackError } from "./crossing_error.ts";
import type { Reply, Request } from "./worker.ts";

/** Makes batches elsewhere. */
export interface WorkerPool {
  /** Rejects with what the worker threw: the same kind of error, the same sentence. */
  make(order: BatchOrder): Promise<HostBatch>;
  /** Ends the workers; what they have not finished is rejected. */
  close(): Promise<void>;
}

interface Hand {
  readonly worker: Worker;
  readonly orders: Map<number, PromiseWithResolvers<HostBatch>>;
  readonly closed: PromiseWithResolvers<void>;
  /** Why the worker can do no more; null as long as it can. */
  failure: Error | null;
}

/**
 * Starts `count` workers, 1 or more.
 *
 * @param roots The folders of the files that orders name; null: workers look for them.
 */
export function startWorkers(
  options: BatchOptions,
  roots: PerDomain<string>,
  count: number,
): WorkerPool {
  const hands = Array.from({ length: count }, () => start(options, roots));
  let next = 0;
  return {
    make(order) {
      const hand = hands.reduce((a, b) => b.orders.size < a.orders.size ? b : a);
      if (hand.failure !== null) return Promise.reject(hand.failure);
      const id = next++;
      const result = Promise.withResolvers<HostBatch>();
      hand.orders.set(id, result);
      send(hand, { kind: "make", id, order });
      return result.promise;
    },
    async close() {
      for (const hand of hands) {
        send(hand, { kind: "close" });
        rejectAll(hand, new Error("Cannot make a batch: the loader was closed"));
      }
      await Promise.all(hands.map(({ closed }) => closed.promise));
    },
  };
}

function start(options: BatchOptions, roots: PerDomain<string>): Hand {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  const hand: Hand = {
    worker,
    orders: new Map(),
    closed: Promise.withResolvers<void>(),
    failure: null,
  };
  worker.onmessage = ({ data: reply }: MessageEvent<Reply>) => {
    if (reply.kind === "closed") {
      worker.terminate();
      hand.closed.resolve();
      return;
    }
    const result = hand.orders.get(reply.id);
    hand.orders.delete(reply.id);
    if (reply.kind === "made") result?.resolve(reply.batch);
    else result?.reject(unpackError(reply));
  };
  // Not one batch, but the worker itself failed: it could not be loaded, or ran out of memory.
  worker.onerror = (event) => {
    event.preventDefault();
    const reason = event.message.replace(/\.$/, "");
    hand.failure = new Error(`Cannot make batches: a worker failed: ${reason}`);
    rejectAll(hand, hand.failure);
    hand.closed.resolve();
  };
  send(hand, { kind: "open", options, roots });
  return hand;
}

function send(hand: Hand, request: Request): void {
  hand.worker.postMessage(request);
}

function rejectAll(hand: Hand, error: Error): void {
  for (const { reject } of hand.orders.values()) reject(error);
  hand.orders.clear();
}
