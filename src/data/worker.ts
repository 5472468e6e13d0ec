/**
 * The worker of a loader. It makes the batches it is asked for, one after the other, and
 * says for each what came of it; see {@linkcode Request} and {@linkcode Reply}.
 *
 * @module
 */

import type { HostBatch } from "../core/host_batch.ts";
import {
  type BatchMaker,
  type BatchOptions,
  type BatchOrder,
  createOrderedMaker,
  type PerDomain,
} from "./batch_maker.ts";
import { type CrossingError, packError } from "./crossing_error.ts";

/** What a worker is told: first its options, then orders, in the end to close. */
export type Request =
  | {
    readonly kind: "open";
    readonly options: BatchOptions;
    readonly roots: PerDomain<string>;
  }
  | { readonly kind: "make"; readonly id: number; readonly order: BatchOrder }
  | { readonly kind: "close" };

/** What a worker answers. */
export type Reply =
  | { readonly kind: "made"; readonly id: number; readonly batch: HostBatch }
  | ({ readonly kind: "failed"; readonly id: number } & CrossingError)
  | { readonly kind: "closed" };

/** What this file uses of a worker's global scope, which the types of a window lack. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<Request>) => void) | null;
  postMessage(reply: Reply, transfer: Transferable[]): void;
  close(): void;
}

// The compiler checks this file as part of a window's program; it only runs in workers.
const scope = globalThis as unknown as WorkerScope;

let maker: Promise<BatchMaker["make"]> | null = null;
let closing = false;
let last: Promise<void> = Promise.resolve();

scope.onmessage = ({ data: request }) => {
  switch (request.kind) {
    case "open":
      maker = createOrderedMaker(request.options, request.roots);
      // Told to whoever orders the first batch.
      maker.catch(() => {});
      break;
    case "make":
      last = last.then(() => make(request.id, request.order));
      break;
    case "close":
      // Files are being decoded by threads of a library: they are waited for.
      closing = true;
      last = last.then(() => {
        scope.postMessage({ kind: "closed" }, []);
        scope.close();
      });
      break;
  }
};

async function make(id: number, order: BatchOrder): Promise<void> {
  if (closing || maker === null) return;
  try {
    const batch = await (await maker)(order);
    scope.postMessage({ kind: "made", id, batch }, [
      batch.source.images.buffer,
      batch.source.labels.buffer,
      ...(batch.target === null ? [] : [batch.target.images.buffer]),
    ]);
  } catch (error) {
    scope.postMessage({ kind: "failed", id, ...packError(error) }, []);
  }
}
