/**
 * A thread that prepares batches or scans images. It works on one request after the other
 * and sends what came of each; see {@linkcode WorkerMessage} and {@linkcode WorkerReply}.
 *
 * @module
 */

import type { HostBatch } from "../core/host_batch.ts";
import {
  type BatchOptions,
  type BatchRequest,
  createWorkerBatchMaker,
  type PerDomain,
} from "./batch_maker.ts";
import {
  inspectRange,
  openScanJob,
  type RangeResult,
  type ScanJob,
  type ScanRange,
  sendableError,
} from "./scan_job.ts";

/** What a thread is for: plain JSON. */
export type WorkerTask =
  | {
    readonly kind: "batches";
    readonly options: BatchOptions;
    /** The folders of the files that requests name; null: the thread looks for them. */
    readonly roots: PerDomain<string>;
  }
  | { readonly kind: "scan"; readonly job: ScanJob; readonly root: string | null };

/** What a thread of each kind is asked for. */
export interface WorkerRequests {
  readonly batches: BatchRequest;
  readonly scan: ScanRange;
}

/** What it answers. */
export interface WorkerResults {
  readonly batches: HostBatch;
  readonly scan: RangeResult;
}

/** A message to a thread: first its task, then requests, in the end to close. */
export type WorkerMessage<Request> =
  | {
    readonly kind: "open";
    readonly task: WorkerTask;
    /** One flag, which is not 0 as soon as no result is wanted any more. */
    readonly cancelled: Int32Array<SharedArrayBuffer>;
  }
  | { readonly kind: "request"; readonly id: number; readonly request: Request }
  | { readonly kind: "close" };

/** A message from a thread. */
export type WorkerReply<Result> =
  | { readonly kind: "result"; readonly id: number; readonly result: Result }
  | { readonly kind: "failed"; readonly id: number; readonly error: Error }
  | { readonly kind: "closed" };

/** The requests of all tasks at once: a thread has one task, and is asked for no other. */
type AnyRequest = BatchRequest & ScanRange;
type AnyResult = WorkerResults[keyof WorkerResults];
type Handler = (request: AnyRequest) => Promise<AnyResult>;

/** What this file uses of a worker's global scope, which the types of a window lack. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<WorkerMessage<AnyRequest>>) => void) | null;
  postMessage(reply: WorkerReply<AnyResult>, transfer: Transferable[]): void;
  close(): void;
}

// The compiler checks this file as part of a window's program; it only runs in workers.
const scope = globalThis as unknown as WorkerScope;

let handler: Promise<Handler> | null = null;
let isCancelled = () => false;
let queue: Promise<void> = Promise.resolve();

scope.onmessage = ({ data: message }) => {
  switch (message.kind) {
    case "open": {
      const { cancelled } = message;
      isCancelled = () => Atomics.load(cancelled, 0) !== 0;
      handler = openTask(message.task);
      handler.catch(() => {}); // the first request fails with it
      break;
    }
    case "request":
      queue = queue.then(() => answer(message.id, message.request));
      break;
    case "close":
      // A library's threads may still decode files: the process would not survive their end.
      queue = queue.then(() => {
        scope.postMessage({ kind: "closed" }, []);
        scope.close();
      });
      break;
  }
};

async function openTask(task: WorkerTask): Promise<Handler> {
  if (task.kind === "batches") {
    return await createWorkerBatchMaker(task.options, task.roots, isCancelled);
  }
  const inspectorOf = await openScanJob(task.job, task.root);
  return (range) => inspectRange(inspectorOf(range), range);
}

async function answer(id: number, request: AnyRequest): Promise<void> {
  if (handler === null || isCancelled()) return;
  try {
    const result = await (await handler)(request);
    scope.postMessage({ kind: "result", id, result }, buffersOf(result));
  } catch (error) {
    scope.postMessage({ kind: "failed", id, error: sendableError(error) }, []);
  }
}

function buffersOf(result: AnyResult): Transferable[] {
  if ("results" in result) return [];
  const { source, target } = result;
  const buffers = [source.images.buffer, source.labels.buffer];
  return target === null ? buffers : [...buffers, target.images.buffer];
}
