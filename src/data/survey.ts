/** Every picture of a data set looked at, on many threads. @module */

import { setImmediate } from "node:timers/promises";
import { unpackError } from "./crossing_error.ts";
import type { DataSet, DataSpec } from "./data_set.ts";
import type { LoosePairs } from "./loose_pairs.ts";
import { countsOf, createCounts, type PixelCounts } from "./pixel_counts.ts";
import {
  openJob,
  type SurveyJob,
  type SurveyRange,
  type SurveyResults,
} from "./survey_job.ts";
import { lookAtRange } from "./survey_range.ts";
import type { SurveyReply, SurveyRequest } from "./survey_worker.ts";

/** How a survey is made. */
export interface SurveyOptions {
  /** Threads; 0 and 1: this one. Never more than are worth starting. */
  readonly workers: number;
  /** Where the pictures are, if that is known; else every thread looks for them. */
  readonly loose?: LoosePairs | null | undefined;
  /** Told how many pictures have been looked at. */
  readonly progress?: (done: number, of: number) => void;
  /** Ends the survey, which then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A thread that looks at ranges of pictures, one after the other. */
interface Surveyor {
  look(from: number, to: number): Promise<readonly unknown[]>;
  close(): Promise<void>;
}

/** Why a survey ended early. */
class LookError extends Error {
  constructor(readonly index: number, override readonly cause: Error) {
    super(cause.message);
  }
}

/** A thread takes about as long to start as this many small labels to be read. */
const PICTURES_PER_THREAD = 16;

/** Ranges grow until one takes about this long, in milliseconds: messages cost time. */
const RANGE_TIME = 150;
const LONGEST_RANGE = 256;

/** How many threads this machine runs at once. */
export const allCores = (): number => navigator.hardwareConcurrency;

/**
 * Looks at pictures 0 … `count` − 1.
 *
 * @returns What each look gave, in order: the same for any number of threads.
 * @throws What the look at the first bad picture threw.
 */
export async function survey<Job extends SurveyJob>(
  job: Job,
  count: number,
  options: SurveyOptions,
): Promise<SurveyResults[Job["kind"]][]> {
  const results = new Array<SurveyResults[Job["kind"]]>(count);
  await surveyInto(job, count, (result, index) => results[index] = result, options);
  return results;
}

/**
 * Counts the pixels of all labels of a data set.
 *
 * @throws As {@linkcode survey} does.
 */
export async function surveyCounts(
  spec: DataSpec,
  { names, classes, loose }: DataSet,
  options: Omit<SurveyOptions, "loose">,
): Promise<PixelCounts> {
  const counts = createCounts(names.length, classes.length);
  const take = (pixels: readonly number[], i: number) => countsOf(counts, i).set(pixels);
  await surveyInto({ kind: "count", spec }, names.length, take, { ...options, loose });
  return counts;
}

/**
 * {@linkcode survey} that hands on what each look gave, in any order, and keeps nothing.
 *
 * @throws As {@linkcode survey} does.
 */
export async function surveyInto<Job extends SurveyJob>(
  job: Job,
  count: number,
  take: (result: SurveyResults[Job["kind"]], index: number) => void,
  { workers, loose = null, progress = () => {}, signal }: SurveyOptions,
): Promise<void> {
  const threads = Math.min(workers, Math.ceil(count / PICTURES_PER_THREAD));
  const surveyors = threads > 1
    ? Array.from({ length: threads }, () => startWorker(job, loose))
    : [await inPlace(job, loose)];
  const failures: LookError[] = [];
  let [next, done] = [0, 0];

  const drive = async ({ look }: Surveyor) => {
    let length = 1;
    // A range below a failure is always with somebody already: the first failure is found.
    while (next < count && failures.length === 0 && !signal?.aborted) {
      const from = next;
      const to = Math.min(count, from + length);
      next = to;
      const asked = performance.now();
      try {
        const seen = await look(from, to) as SurveyResults[Job["kind"]][];
        for (const [i, result] of seen.entries()) take(result, from + i);
      } catch (error) {
        if (!(error instanceof LookError)) throw error;
        failures.push(error);
        return;
      }
      done += to - from;
      progress(done, count);
      const took = performance.now() - asked;
      if (took < RANGE_TIME / 2) length = Math.min(LONGEST_RANGE, 2 * length);
      else if (took > 2 * RANGE_TIME) length = Math.max(1, length >> 1);
    }
  };
  try {
    await Promise.all(surveyors.map(drive));
  } finally {
    await Promise.all(surveyors.map(({ close }) => close()));
  }
  const [first] = failures.sort((a, b) => a.index - b.index);
  if (first !== undefined) throw first.cause;
  signal?.throwIfAborted();
}

const rangeOf = (loose: LoosePairs | null, from: number, to: number): SurveyRange => ({
  from,
  pairs: loose && loose.slice(from, to),
});

async function inPlace(job: SurveyJob, loose: LoosePairs | null): Promise<Surveyor> {
  const opened = await openJob(job, loose && loose.root);
  return {
    async look(from, to) {
      await setImmediate(); // Ctrl-C is heard between ranges
      const look = opened(rangeOf(loose, from, to));
      const { results, failure } = await lookAtRange(look, from, to);
      if (failure === null) return results;
      throw new LookError(failure.index, asError(failure.error));
    },
    close: () => Promise.resolve(),
  };
}

const asError = (error: unknown) =>
  error instanceof Error ? error : new Error(String(error));

function startWorker(job: SurveyJob, loose: LoosePairs | null): Surveyor {
  const worker = new Worker(new URL("./survey_worker.ts", import.meta.url), {
    type: "module",
  });
  const send = (request: SurveyRequest) => worker.postMessage(request);
  const closed = Promise.withResolvers<void>();
  let asked: PromiseWithResolvers<readonly unknown[]> | null = null;
  let broken: Error | null = null;
  worker.onmessage = ({ data: reply }: MessageEvent<SurveyReply>) => {
    switch (reply.kind) {
      case "seen":
        return asked?.resolve(reply.results);
      case "failed":
        return asked?.reject(new LookError(reply.index, unpackError(reply)));
      case "closed":
        worker.terminate();
        return closed.resolve();
    }
  };
  // Not one picture, but the worker itself: it could not be loaded, or ran out of memory.
  worker.onerror = (event) => {
    event.preventDefault();
    const reason = event.message.replace(/\.$/, "");
    broken = new Error(`Cannot look at the pictures: a worker failed: ${reason}`);
    asked?.reject(broken);
    closed.resolve();
  };
  send({ kind: "open", job, root: loose && loose.root });
  return {
    look(from, to) {
      if (broken !== null) return Promise.reject(broken);
      asked = Promise.withResolvers();
      send({ kind: "look", to, ...rangeOf(loose, from, to) });
      return asked.promise;
    },
    close() {
      if (broken === null) send({ kind: "close" });
      return closed.promise;
    },
  };
}
