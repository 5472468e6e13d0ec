/** Batches for training, prepared ahead of need. @module */

import type { ClassInfo, HostBatch } from "../core/host_batch.ts";
import {
  futureBatchIndices,
  inFutureGroup,
  partIndices,
  rankCount,
} from "../core/ranks.ts";
import {
  type BatchMaker,
  type BatchOptions,
  type BatchRequest,
  closedError,
  createBatchMaker,
} from "./batch_maker.ts";
import {
  type ClassStatistics,
  classStatistics,
  countOnRankZero,
} from "./class_statistics.ts";
import type { DataSet, SampleFiles } from "./data_set.ts";
import { unlabeledOverlapNote } from "./overlap.ts";
import {
  createSampler,
  planRareClassSampling,
  type RareClassOptions,
  type SampleDraw,
} from "./sampler.ts";
import { hardwareThreads, scanClassCounts } from "./scan.ts";
import { startWorker } from "./worker_client.ts";

/** Describes a loader: plain JSON. */
export interface LoaderSpec extends BatchOptions {
  /** B, the items per domain in a batch: of all ranks, which get equal parts of it. */
  readonly batchSize: number;
  /**
   * In how many micro-batches a batch is learned from; each rank has a part of every one.
   * @default {1}
   */
  readonly accumulationSteps?: number;
  /** N, the additional batches per iteration that wide look-ahead needs; 0 for none. */
  readonly futureBatches: number;
  /** How many iterations there are: nothing is prepared beyond the last. */
  readonly iterations: number;
  /** Null draws every source image once per epoch. */
  readonly rareClassSampling: RareClassOptions | null;
  /**
   * Threads that read and augment; 0 does it in place, when a batch is requested. Unless
   * it is 0, labels are counted on all cores before.
   */
  readonly numWorkers: number;
  /** Where class statistics are kept; null for nowhere. */
  readonly cacheFolder: string | null;
}

/** Gives batches. */
export interface Loader {
  /** Index = class id. */
  readonly classes: readonly ClassInfo[];
  /** What batches are made of; the target is null where none is needed. */
  readonly dataSets: { readonly source: DataSet; readonly target: DataSet | null };
  /** The pixels per class of the source's labels, which are counted once. */
  readonly classStatistics: () => Promise<ClassStatistics>;
  /** What a user should know about the data sets; a sentence each. */
  readonly notes: readonly string[];
  /**
   * Gives a batch. The same numbers give the same batch, whatever was requested before and
   * however many workers there are. Requests in order are fast.
   *
   * @param iteration Counted from 0.
   * @param future 0 for the real batch, 1 … N for those of the futures.
   * @returns The caller's to keep; an immediate second request may give the same object.
   */
  batch(iteration: number, future?: number): Promise<HostBatch>;
  /** The names of the images of a batch, also of those that other ranks have. */
  fileNames(iteration: number, future?: number): string[];
  /**
   * Ends the workers. What they have not finished is cancelled and rejected; only files that
   * are being decoded are waited for.
   */
  close(): Promise<void>;
}

/** How many iterations are prepared beyond the requested one. */
const PREFETCH_ITERATIONS = 2;

/**
 * Opens a loader.
 *
 * @param progress Receives how many labels were counted, if that is needed.
 * @throws If a number is out of range, a data set cannot be opened, or the classes of source
 *   and target differ.
 */
export async function openLoader(
  spec: LoaderSpec,
  progress?: (counted: number, of: number) => void,
): Promise<Loader> {
  assertValidSpec(spec);
  const { seed, batchSize, futureBatches, iterations, numWorkers } = spec;
  const { rareClassSampling, cacheFolder, accumulationSteps = 1 } = spec;
  let isClosed = false;
  const maker = await createBatchMaker(spec, () => isClosed);
  const { source, target } = maker;
  assertSameClasses(maker);

  let counting: Promise<ClassStatistics> | null = null;
  const statistics = () =>
    counting ??= countOnRankZero(source, () =>
      classStatistics(
        source,
        cacheFolder,
        (dataSet) =>
          scanClassCounts({ ...spec.source, labeled: true }, dataSet, {
            workers: numWorkers === 0 ? 0 : hardwareThreads(),
            ...(progress === undefined ? {} : { progress }),
          }),
      ));
  const sampler = createSampler({
    seed,
    batchSize,
    sourceCount: source.names.length,
    targetCount: target && target.names.length,
    rareClassSampling: rareClassSampling &&
      planRareClassSampling(await statistics(), source.classes, rareClassSampling),
  });
  const note = spec.target && target && unlabeledOverlapNote(
    { spec: spec.source, names: source.names },
    { spec: spec.target, names: target.names },
  );
  const partOf = () => partIndices(batchSize, accumulationSteps);
  const requestFor = (iteration: number, futureIndex: number): BatchRequest => {
    const indices = futureIndex === 0 ? partOf() : inFutureGroup(partOf);
    const ofThisRank = (draws: readonly SampleDraw[]) =>
      draws.filter((_, i) => indices.includes(i));
    const ofBatch = sampler(iteration, futureIndex);
    const draws = {
      source: ofThisRank(ofBatch.source),
      target: ofBatch.target && ofThisRank(ofBatch.target),
    };
    const sampleFiles = {
      source: sampleFilesOf(source, draws.source),
      target: sampleFilesOf(target, draws.target),
    };
    const positions = indices.map((i) => iteration * batchSize + i);
    return { iteration, futureIndex, draws, positions, sampleFiles };
  };
  const roots = {
    source: source.unpacked?.root ?? null,
    target: target?.unpacked?.root ?? null,
  };
  const task = { kind: "batches", options: spec, roots } as const;
  const workers = Array.from(
    { length: numWorkers },
    () => startWorker(task, "make batches"),
  );
  const pending = new Map<string, { iteration: number; batch: Promise<HostBatch> }>();

  const prefetch = (iteration: number, future: number): Promise<HostBatch> => {
    const key = `${iteration}/${future}`;
    const existing = pending.get(key);
    if (existing !== undefined) return existing.batch;
    const [least] = workers.toSorted((a, b) => a.pendingCount() - b.pendingCount());
    const request = requestFor(iteration, future);
    const batch = least === undefined ? maker.make(request) : least.request(request);
    batch.catch(() => {}); // reported to the request for it, if there is one
    pending.set(key, { iteration, batch });
    return batch;
  };

  return {
    classes: source.classes,
    dataSets: { source, target },
    classStatistics: statistics,
    notes: [...source.notes ?? [], ...target?.notes ?? [], ...(note ? [note] : [])],

    batch(iteration, future = 0) {
      if (isClosed) return Promise.reject(closedError());
      if (workers.length === 0) return maker.make(requestFor(iteration, future));
      for (const [key, entry] of pending) {
        if (
          entry.iteration < iteration || entry.iteration > iteration + PREFETCH_ITERATIONS
        ) {
          pending.delete(key);
        }
      }
      const requested = prefetch(iteration, future);
      const last = Math.min(iteration + PREFETCH_ITERATIONS, iterations - 1);
      for (let ahead = iteration; ahead <= last; ahead++) {
        for (const i of [0, ...futureBatchIndices(futureBatches)]) prefetch(ahead, i);
      }
      return requested;
    },

    fileNames(iteration, future = 0) {
      const draws = sampler(iteration, future);
      const namesOf = ({ names }: DataSet, drawn: readonly SampleDraw[]) =>
        drawn.map(({ index }) => names[index] ?? "");
      return [
        ...namesOf(source, draws.source),
        ...target === null ? [] : namesOf(target, draws.target ?? []),
      ];
    },

    async close() {
      isClosed = true;
      pending.clear();
      await Promise.all(workers.map((worker) => worker.close(closedError())));
    },
  };
}

// Workers receive the files, so that they need not list the data sets.
function sampleFilesOf(
  dataSet: DataSet | null,
  draws: readonly SampleDraw[] | null,
): readonly SampleFiles[] | null {
  const unpacked = dataSet?.unpacked ?? null;
  if (unpacked === null || draws === null) return null;
  return draws.flatMap(({ index }) => unpacked.slice(index, index + 1));
}

function assertValidSpec(spec: LoaderSpec): void {
  const assertInteger = (name: string, value: number, minimum: number) => {
    if (Number.isInteger(value) && value >= minimum) return;
    throw new RangeError(
      `Cannot open a loader: "${name}" must be an integer of at least ${minimum}: ` +
        `received ${value}`,
    );
  };
  const assertFraction = (name: string, value: number) => {
    if (value >= 0 && value <= 1) return;
    throw new RangeError(
      `Cannot open a loader: "${name}" must be in 0 … 1: received ${value}`,
    );
  };
  assertInteger("batchSize", spec.batchSize, 1);
  const { batchSize, accumulationSteps = 1 } = spec;
  if (batchSize % (accumulationSteps * rankCount()) !== 0) {
    const times = accumulationSteps === 1 ? "" : ' times "optimizer.accumulationSteps"';
    throw new RangeError(
      `Cannot divide a batch of ${batchSize} among ${rankCount()} ranks: ` +
        `"data.batchSize" must be a multiple of their number${times}`,
    );
  }
  assertInteger("futureBatches", spec.futureBatches, 0);
  assertInteger("iterations", spec.iterations, 1);
  assertInteger("numWorkers", spec.numWorkers, 0);
  assertInteger("cropSize.height", spec.cropSize.height, 1);
  assertInteger("cropSize.width", spec.cropSize.width, 1);
  for (const name of ["resize", "sourceResize"] as const) {
    const box = spec[name] ?? null;
    if (box === null) continue;
    assertInteger(`${name}.height`, box.height, 1);
    assertInteger(`${name}.width`, box.width, 1);
  }
  assertFraction("flipProbability", spec.flipProbability);
  assertFraction("catMaxRatio", spec.catMaxRatio);
}

// Pseudo-labels of the target are mixed with labels of the source: ids must mean the same.
function assertSameClasses({ source, target }: BatchMaker): void {
  if (target === null) return;
  const [sourceNames, targetNames] = [source, target].map(({ classes }) =>
    classes.map(({ name }) => name).join(", ")
  );
  if (sourceNames === targetNames) return;
  throw new RangeError(
    `Cannot open a loader: source and target must have the same classes: ` +
      `"${source.name}" has ${sourceNames}, "${target.name}" has ${targetNames}`,
  );
}
