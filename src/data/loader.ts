/** Batches for training, made ahead of need. @module */

import type { ClassInfo, HostBatch } from "../core/host_batch.ts";
import { type BatchMaker, type BatchOptions, createBatchMaker } from "./batch_maker.ts";
import { classStatistics } from "./class_statistics.ts";
import type { DataSet } from "./data_set.ts";
import type { PicturePair } from "./picture_pairs.ts";
import { planRareClasses, type RareClassOptions } from "./rare_classes.ts";
import { createSampler, type Draw } from "./sampler.ts";
import { allCores, surveyCounts } from "./survey.ts";
import { unlabelledNote } from "./unlabelled_note.ts";
import { startWorkers } from "./worker_pool.ts";

/** Describes a loader: plain JSON. */
export interface LoaderSpec extends BatchOptions {
  /** B, the items per domain in a batch. */
  readonly batch: number;
  /** N, the further batches per iteration that wide look-ahead asks for; 0 for none. */
  readonly futures: number;
  /** Null draws every source picture once per epoch. */
  readonly rareClasses: RareClassOptions | null;
  /**
   * Threads that read and augment; 0 does it in place, when a batch is asked for. Unless
   * it is 0, labels are counted on all cores before.
   */
  readonly workers: number;
  /** Where class statistics are kept; null for nowhere. */
  readonly cacheFolder: string | null;
}

/** Gives batches. */
export interface Loader {
  /** Index = class id. */
  readonly classes: readonly ClassInfo[];
  /** How many pictures there are to draw from. */
  readonly pictures: { readonly source: number; readonly target: number };
  /** What a user should know about the data sets; a sentence each. */
  readonly notes: readonly string[];
  /**
   * Gives a batch. The same numbers give the same batch, whatever was asked for before and
   * however many workers there are. Asking in order is fast.
   *
   * @param iteration Counted from 0.
   * @param future 0 for the real batch, 1 … N for those of the futures.
   * @returns The caller's to keep; asked for again at once, it may be the same object.
   */
  batch(iteration: number, future?: number): Promise<HostBatch>;
  /** Ends the workers, also amid their work. */
  close(): Promise<void>;
}

/** How many iterations are prepared beyond the one asked for. */
const AHEAD = 2;

/**
 * Opens a loader.
 *
 * @param progress Told how many labels were counted, if rare classes need it.
 * @throws If a number is out of range, a data set cannot be opened, or the classes of source
 *   and target differ.
 */
export async function openLoader(
  spec: LoaderSpec,
  progress?: (counted: number, of: number) => void,
): Promise<Loader> {
  assertSound(spec);
  const { seed, batch, futures, workers, rareClasses, cacheFolder } = spec;
  const maker = await createBatchMaker(spec);
  const { source, target } = maker;
  assertSameClasses(maker);

  const sampler = createSampler({
    seed,
    batch,
    source: source.names.length,
    target: target && target.names.length,
    rareClasses: rareClasses && planRareClasses(
      await classStatistics(
        source,
        cacheFolder,
        (dataSet) =>
          surveyCounts({ ...spec.source, labelled: true }, dataSet, {
            workers: workers === 0 ? 0 : allCores(),
            ...(progress === undefined ? {} : { progress }),
          }),
      ),
      source.classes,
      rareClasses,
    ),
  });
  const note = spec.target && target && unlabelledNote(
    { spec: spec.source, names: source.names },
    { spec: spec.target, names: target.names },
  );
  const order = (iteration: number, future: number) => {
    const draws = sampler(iteration, future);
    const files = {
      source: filesOf(source, draws.source),
      target: filesOf(target, draws.target),
    };
    return { iteration, future, draws, files };
  };
  const roots = {
    source: source.loose?.root ?? null,
    target: target?.loose?.root ?? null,
  };
  const pool = workers > 0 ? startWorkers(spec, roots, workers) : null;
  const pending = new Map<string, { iteration: number; batch: Promise<HostBatch> }>();
  let closed = false;

  const prepare = (iteration: number, future: number): Promise<HostBatch> => {
    const key = `${iteration}/${future}`;
    const known = pending.get(key);
    if (known !== undefined) return known.batch;
    const made = (pool ?? maker).make(order(iteration, future));
    // Whoever asks for it hears of a failure; until then it is nobody's.
    made.catch(() => {});
    pending.set(key, { iteration, batch: made });
    return made;
  };

  return {
    classes: source.classes,
    pictures: { source: source.names.length, target: target?.names.length ?? 0 },
    notes: [...source.notes ?? [], ...target?.notes ?? [], ...(note ? [note] : [])],

    batch(iteration, future = 0) {
      if (closed) {
        return Promise.reject(new Error("Cannot make a batch: the loader was closed"));
      }
      if (pool === null) return maker.make(order(iteration, future));
      for (const [key, entry] of pending) {
        if (entry.iteration < iteration || entry.iteration > iteration + AHEAD) {
          pending.delete(key);
        }
      }
      const wanted = prepare(iteration, future);
      for (let ahead = 0; ahead <= AHEAD; ahead++) {
        for (let i = 0; i <= futures; i++) prepare(iteration + ahead, i);
      }
      return wanted;
    },

    async close() {
      if (closed) return;
      closed = true;
      pending.clear();
      await pool?.close();
    },
  };
}

// Workers are told, so that not each of them has to list the data sets.
function filesOf(
  dataSet: DataSet | null,
  draws: readonly Draw[] | null,
): readonly PicturePair[] | null {
  const loose = dataSet?.loose ?? null;
  if (loose === null || draws === null) return null;
  return draws.flatMap(({ index }) => loose.slice(index, index + 1));
}

function assertSound(spec: LoaderSpec): void {
  const whole = (name: string, value: number, least: number) => {
    if (Number.isInteger(value) && value >= least) return;
    throw new RangeError(
      `Cannot open a loader: "${name}" must be a whole number from ${least}: ` +
        `received ${value}`,
    );
  };
  const share = (name: string, value: number) => {
    if (value >= 0 && value <= 1) return;
    throw new RangeError(
      `Cannot open a loader: "${name}" must be in 0 … 1: received ${value}`,
    );
  };
  whole("batch", spec.batch, 1);
  whole("futures", spec.futures, 0);
  whole("workers", spec.workers, 0);
  whole("crop.height", spec.crop.height, 1);
  whole("crop.width", spec.crop.width, 1);
  for (const name of ["resize", "sourceResize"] as const) {
    const box = spec[name] ?? null;
    if (box === null) continue;
    whole(`${name}.height`, box.height, 1);
    whole(`${name}.width`, box.width, 1);
  }
  share("flip", spec.flip);
  share("largestClassShare", spec.largestClassShare);
}

// Pseudo-labels of the target are mixed with labels of the source: ids must mean the same.
function assertSameClasses({ source, target }: BatchMaker): void {
  if (target === null) return;
  const [ours, theirs] = [source, target].map(({ classes }) =>
    classes.map(({ name }) => name).join(", ")
  );
  if (ours === theirs) return;
  throw new RangeError(
    `Cannot open a loader: source and target must have the same classes: ` +
      `"${source.name}" has ${ours}, "${target.name}" has ${theirs}`,
  );
}
