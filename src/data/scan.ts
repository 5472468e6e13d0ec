/** Every image of a data set inspected, on many threads. @module */

import { setImmediate } from "node:timers/promises";
import { createPixelCounts, labelCounts, type PixelCounts } from "./class_counts.ts";
import type { DataSet, UnpackedFiles } from "./data_set.ts";
import type { DataSpec } from "./data_spec.ts";
import {
  inspectRange,
  openScanJob,
  type RangeResult,
  type ScanJob,
  type ScanRange,
  type ScanResults,
} from "./scan_job.ts";
import { startWorker } from "./worker_client.ts";

/** How a scan is made. */
export interface ScanOptions {
  /** Threads; 0 and 1: this one. Never more than are worth starting. */
  readonly workers: number;
  /** Where the files are, if that is known; else every thread lists them. */
  readonly unpacked?: UnpackedFiles | null | undefined;
  /** Receives how many images have been inspected. */
  readonly progress?: (done: number, of: number) => void;
  /** Ends the scan, which then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A thread takes about as long to start as this many small labels to be read. */
const MIN_IMAGES_PER_THREAD = 16;

/** Ranges grow until one takes about this long, in milliseconds: messages cost time. */
const TARGET_RANGE_MS = 150;
const MAX_RANGE = 256;

/** How many threads this machine runs at once. */
export const hardwareThreads = (): number => navigator.hardwareConcurrency;

/**
 * Counts the pixels of all labels of a data set.
 *
 * @throws As {@linkcode scanEach} does.
 */
export async function scanClassCounts(
  spec: DataSpec,
  { names, classes, unpacked }: DataSet,
  options: Omit<ScanOptions, "unpacked">,
): Promise<PixelCounts> {
  const counts = createPixelCounts(names.length, classes.length);
  const onResult = (pixels: readonly number[], i: number) =>
    labelCounts(counts, i).set(pixels);
  await scanEach({ kind: "count", spec }, names.length, onResult, {
    ...options,
    unpacked,
  });
  return counts;
}

/**
 * Inspects the images 0 … `count` − 1.
 *
 * @param onResult Receives the result of each image, in any order.
 * @throws What the first image that cannot be inspected threw, for any number of threads.
 */
export async function scanEach<Job extends ScanJob>(
  job: Job,
  count: number,
  onResult: (result: ScanResults[Job["kind"]], index: number) => void,
  { workers, unpacked = null, progress = () => {}, signal }: ScanOptions,
): Promise<void> {
  const threads = Math.min(workers, Math.ceil(count / MIN_IMAGES_PER_THREAD));
  const scanners = threads > 1
    ? Array.from({ length: threads }, () => startThread(job, unpacked))
    : [await useThisThread(job, unpacked)];
  const failures: NonNullable<RangeResult["failure"]>[] = [];
  let [next, done] = [0, 0];

  const run = async ({ inspect }: Scanner) => {
    let length = 1;
    // Ranges are taken in order: the first failure is found, whichever thread meets it.
    while (next < count && failures.length === 0 && !signal?.aborted) {
      const from = next;
      const to = Math.min(count, from + length);
      next = to;
      const startTime = performance.now();
      const files = unpacked && unpacked.slice(from, to);
      const { results, failure } = await inspect({ from, to, files });
      if (failure !== null) {
        failures.push(failure);
        return;
      }
      for (const [i, result] of results.entries()) {
        onResult(result as ScanResults[Job["kind"]], from + i); // as the job says
      }
      done += to - from;
      progress(done, count);
      const elapsed = performance.now() - startTime;
      if (elapsed < TARGET_RANGE_MS / 2) length = Math.min(MAX_RANGE, 2 * length);
      else if (elapsed > 2 * TARGET_RANGE_MS) length = Math.max(1, length >> 1);
    }
  };
  try {
    await Promise.all(scanners.map(run));
  } finally {
    await Promise.all(scanners.map(({ close }) => close()));
  }
  const [first] = failures.sort((a, b) => a.index - b.index);
  if (first !== undefined) throw first.error;
  signal?.throwIfAborted();
}

/** Inspects ranges of images, one after the other. */
interface Scanner {
  inspect(range: ScanRange): Promise<RangeResult>;
  close(): Promise<void>;
}

async function useThisThread(
  job: ScanJob,
  unpacked: UnpackedFiles | null,
): Promise<Scanner> {
  const inspectorOf = await openScanJob(job, unpacked && unpacked.root);
  return {
    async inspect(range) {
      await setImmediate(); // Ctrl-C is heard between ranges
      return await inspectRange(inspectorOf(range), range);
    },
    close: () => Promise.resolve(),
  };
}

function startThread(job: ScanJob, unpacked: UnpackedFiles | null): Scanner {
  const root = unpacked && unpacked.root;
  const worker = startWorker({ kind: "scan", job, root }, "scan the images");
  return {
    inspect: worker.request,
    close: () => worker.close(new Error("Cannot scan the images: the scan has ended")),
  };
}
