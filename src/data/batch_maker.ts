/** From drawn pictures to a batch: what a loader's worker does. @module */

import type { HostBatch } from "../core/host_batch.ts";
import { createRandom } from "../core/random.ts";
import { type DataSet, type DataSpec, openDataSet } from "./data_set.ts";
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
}

/** Reads and augments. */
export interface BatchMaker {
  readonly source: DataSet;
  readonly target: DataSet | null;
  /** Equal orders give equal batches. */
  make(order: BatchOrder): Promise<HostBatch>;
}

/** Opens the data sets. */
export async function createBatchMaker(options: BatchOptions): Promise<BatchMaker> {
  const { seed, crop } = options;
  const views: Record<"source" | "target", ViewOptions> = {
    source: { ...options, resize: options.sourceResize ?? options.resize },
    target: options,
  };
  const source = await openDataSet({ ...options.source, labelled: true });
  const target = options.target &&
    await openDataSet({ ...options.target, labelled: false });
  const pixels = crop.height * crop.width;

  const crops = async (
    dataSet: DataSet,
    draws: readonly Draw[],
    order: BatchOrder,
    domain: "source" | "target",
  ) => {
    const images = new Float32Array(draws.length * pixels * 3);
    const labels = new Uint8Array(domain === "source" ? draws.length * pixels : 0);
    const names = await everyOf(draws.map(async ({ index, wanted }, item) => {
      const sample = await dataSet.read(index);
      const position = order.iteration * draws.length + item;
      const random = createRandom(seed, `view/${domain}/${order.future}`, position);
      writeTrainingView(sample, views[domain], random, {
        image: images.subarray(item * pixels * 3, (item + 1) * pixels * 3),
        label: domain === "source"
          ? labels.subarray(item * pixels, (item + 1) * pixels)
          : null,
      }, wanted);
      return sample.name;
    }));
    return { names, images, labels };
  };

  return {
    source,
    target,
    async make(order) {
      const [labelled, unlabelled] = await everyOf([
        crops(source, order.draws.source, order, "source"),
        target && order.draws.target &&
        crops(target, order.draws.target, order, "target"),
      ]);
      return {
        batch: order.draws.source.length,
        height: crop.height,
        width: crop.width,
        source: labelled,
        target: unlabelled && { names: unlabelled.names, images: unlabelled.images },
      };
    },
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
