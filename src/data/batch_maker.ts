/** From drawn pictures to a batch: what a loader's worker does. @module */

import type { HostBatch } from "../core/host_batch.ts";
import { createRandom } from "../core/random.ts";
import { type DataSet, type DataSpec, openDataSet, type Sample } from "./data_set.ts";
import { openLoose } from "./loose_pairs.ts";
import { pairedDataSet, type PicturePair } from "./picture_pairs.ts";
import type { Size } from "./resize.ts";
import type { BatchDraws, Draw } from "./sampler.ts";
import { type ViewOptions, writeTrainingView } from "./training_view.ts";

/** What every batch has in common: plain JSON. */
export interface BatchOptions extends ViewOptions {
  readonly seed: number;
  /** The box of labelled pictures where it is not that of all; null: it is. */
  readonly sourceResize?: Size | null;
  readonly source: DataSpec;
  /** Null where the method needs no target. Its labels are never read. */
  readonly target: DataSpec | null;
}

/** A batch to be made. */
export interface BatchOrder {
  readonly iteration: number;
  /** 0 for the real batch, 1 … N for those of the futures. */
  readonly future: number;
  readonly draws: BatchDraws;
  /** The files of the draws, for makers that do not look for them. */
  readonly files?: PerDomain<readonly PicturePair[]>;
}

/** Something of each domain; null where there is none. */
export interface PerDomain<Value> {
  readonly source: Value | null;
  readonly target: Value | null;
}

/** Reads the picture of a draw. */
type ReadDraw = (draw: Draw, item: number) => Promise<Sample>;

/** Reads and augments. */
export interface BatchMaker {
  readonly source: DataSet;
  readonly target: DataSet | null;
  /** Equal orders give equal batches. */
  make(order: BatchOrder): Promise<HostBatch>;
}

/** Opens the data sets. */
export async function createBatchMaker(options: BatchOptions): Promise<BatchMaker> {
  const source = await openDataSet({ ...options.source, labelled: true });
  const target = options.target &&
    await openDataSet({ ...options.target, labelled: false });
  const readers = {
    source: () => ({ index }: Draw) => source.read(index),
    target: target && (() => ({ index }: Draw) => target.read(index)),
  };
  return { source, target, make: makerOf(options, readers) };
}

/**
 * Opens what makes batches of pictures whose files are named in the orders.
 *
 * @param roots The folders of those files; null where a data set is to be looked for.
 */
export async function createOrderedMaker(
  options: BatchOptions,
  roots: PerDomain<string>,
): Promise<BatchMaker["make"]> {
  const readerOf = async (domain: "source" | "target") => {
    const spec = options[domain];
    if (spec === null) return null;
    const own = { ...spec, labelled: domain === "source" };
    const root = roots[domain];
    if (root === null) {
      const dataSet = await openDataSet(own);
      return () => ({ index }: Draw) => dataSet.read(index);
    }
    const setOf = await openLoose(own, root);
    return ({ files }: BatchOrder) => {
      const dataSet = pairedDataSet(setOf(files?.[domain] ?? []));
      return (_: Draw, item: number) => dataSet.read(item);
    };
  };
  const source = await readerOf("source");
  if (source === null) throw new TypeError("Cannot make batches without a source");
  return makerOf(options, { source, target: await readerOf("target") });
}

function makerOf(
  options: BatchOptions,
  { source, target }: {
    readonly source: (order: BatchOrder) => ReadDraw;
    readonly target: ((order: BatchOrder) => ReadDraw) | null;
  },
): BatchMaker["make"] {
  const { seed, crop } = options;
  const views: Record<"source" | "target", ViewOptions> = {
    source: { ...options, resize: options.sourceResize ?? options.resize },
    target: options,
  };
  const pixels = crop.height * crop.width;

  const crops = async (
    read: ReadDraw,
    draws: readonly Draw[],
    order: BatchOrder,
    domain: "source" | "target",
  ) => {
    const images = new Float32Array(draws.length * pixels * 3);
    const labels = new Uint8Array(domain === "source" ? draws.length * pixels : 0);
    const names = await everyOf(draws.map(async (draw, item) => {
      const sample = await read(draw, item);
      const position = order.iteration * draws.length + item;
      const random = createRandom(seed, `view/${domain}/${order.future}`, position);
      writeTrainingView(sample, views[domain], random, {
        image: images.subarray(item * pixels * 3, (item + 1) * pixels * 3),
        label: domain === "source"
          ? labels.subarray(item * pixels, (item + 1) * pixels)
          : null,
      }, draw.wanted);
      return sample.name;
    }));
    return { names, images, labels };
  };

  return async (order) => {
    const [labelled, unlabelled] = await everyOf([
      crops(source(order), order.draws.source, order, "source"),
      target && order.draws.target &&
      crops(target(order), order.draws.target, order, "target"),
    ]);
    return {
      batch: order.draws.source.length,
      height: crop.height,
      width: crop.width,
      source: labelled,
      target: unlabelled && { names: unlabelled.names, images: unlabelled.images },
    };
  };
}

// Like Promise.all(), but a failure is told when all others have ended, too: a worker that
// is closed after it must not take a library's thread with it that still decodes a file.
async function everyOf<T extends readonly unknown[]>(
  work: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(work);
  return await Promise.all(work);
}
