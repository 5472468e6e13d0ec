/** From drawn images to a batch: what a loader's worker does. @module */

import type { Box, HostBatch, Size } from "../core/host_batch.ts";
import { createRandom } from "../core/random.ts";
import {
  type AugmentationOptions,
  drawAugmentation,
} from "./augmentation/augmentation.ts";
import type { DataSet, Sample, SampleFiles } from "./data_set.ts";
import type { DataSpec } from "./data_spec.ts";
import { fileDataSet } from "./file_data_set.ts";
import type { Margins } from "./margins.ts";
import { openDataSet, openUnpacked } from "./open_data_set.ts";
import { type CropOptions, writeTrainingCrop } from "./pipelines.ts";
import type { BatchIndices, SampleDraw } from "./sampler.ts";

/** What every batch has in common: plain JSON. */
export interface BatchOptions extends CropOptions {
  readonly seed: number;
  /** The box of labeled images where it is not that of all; null: it is. */
  readonly sourceResize?: Size | null;
  /** Margins of unlabeled images whose pixels do not count; null or left out: all count. */
  readonly targetMargins?: Margins | null;
  /** What else happens to labeled crops; null or left out: nothing. */
  readonly augmentation?: AugmentationOptions | null;
  readonly source: DataSpec;
  /** Null where the method needs no target. Its labels are never read. */
  readonly target: DataSpec | null;
}

/** A batch to be made. */
export interface BatchRequest {
  readonly iteration: number;
  /** 0 for the real batch, 1 … N for those of the futures. */
  readonly futureIndex: number;
  /** Those of a rank's part, where several train together. */
  readonly draws: BatchIndices;
  /** Their numbers among the draws of all iterations. */
  readonly positions: readonly number[];
  /** The files of the draws, for threads that have not listed the data sets. */
  readonly sampleFiles?: PerDomain<readonly SampleFiles[]>;
}

/** Something of each domain; null where there is none. */
export interface PerDomain<Value> {
  readonly source: Value | null;
  readonly target: Value | null;
}

type Domain = keyof PerDomain<unknown>;

/** Makes a batch. Equal requests give equal batches. */
export type MakeBatch = (request: BatchRequest) => Promise<HostBatch>;

/** Data sets, and what makes batches of them. */
export interface BatchMaker {
  readonly source: DataSet;
  readonly target: DataSet | null;
  readonly make: MakeBatch;
}

/**
 * Opens the data sets.
 *
 * @param isCancelled Whether batches in progress are to be given up: they are rejected.
 */
export async function createBatchMaker(
  options: BatchOptions,
  isCancelled: () => boolean,
): Promise<BatchMaker> {
  const source = await openDataSet({ ...options.source, labeled: true });
  const target = options.target &&
    await openDataSet({ ...options.target, labeled: false });
  const readers = {
    source: () => ({ index }: SampleDraw) => source.read(index),
    target: target && (() => ({ index }: SampleDraw) => target.read(index)),
  };
  return { source, target, make: batchMakerFrom(options, readers, isCancelled) };
}

/**
 * Opens what makes batches of images whose files the requests name.
 *
 * @param roots The folders of those files; null where a data set is to be listed.
 */
export async function createWorkerBatchMaker(
  options: BatchOptions,
  roots: PerDomain<string>,
  isCancelled: () => boolean,
): Promise<MakeBatch> {
  const openReader = async (domain: Domain): Promise<ReaderOf | null> => {
    const spec = options[domain];
    if (spec === null) return null;
    const domainSpec = { ...spec, labeled: domain === "source" };
    const root = roots[domain];
    if (root === null) {
      const dataSet = await openDataSet(domainSpec);
      return () => ({ index }) => dataSet.read(index);
    }
    const withFiles = await openUnpacked(domainSpec, root);
    return ({ sampleFiles }) => {
      const dataSet = fileDataSet(withFiles(sampleFiles?.[domain] ?? []));
      return (_, item) => dataSet.read(item);
    };
  };
  const source = await openReader("source");
  if (source === null) throw new TypeError("Cannot make batches without a source");
  const readers = { source, target: await openReader("target") };
  return batchMakerFrom(options, readers, isCancelled);
}

/** Gives what reads the images of a request. */
type ReaderOf = (
  request: BatchRequest,
) => (draw: SampleDraw, item: number) => Promise<Sample>;

function batchMakerFrom(
  options: BatchOptions,
  readers: { readonly source: ReaderOf; readonly target: ReaderOf | null },
  isCancelled: () => boolean,
): MakeBatch {
  const { seed, cropSize: { height, width }, normalization, targetMargins } = options;
  const cropOptions: Record<Domain, CropOptions> = {
    source: { ...options, resize: options.sourceResize ?? options.resize },
    target: { ...options, ...targetMargins && { margins: targetMargins } },
  };
  const pixels = height * width;
  const values = pixels * normalization.mean.length;

  // Space for the crops of a domain, and what fills that of each item.
  const planCrops = (request: BatchRequest, domain: Domain) => {
    const draws = request.draws[domain] ?? [];
    const read = readers[domain]?.(request);
    const images = new Float32Array(draws.length * values);
    const labels = new Uint8Array(domain === "source" ? draws.length * pixels : 0);
    const fileNames: string[] = [];
    const boxes: Box[] = [];
    const tasks = read === undefined ? [] : draws.map((draw, item) => async () => {
      if (isCancelled()) throw closedError();
      const sample = await read(draw, item);
      if (isCancelled()) throw closedError();
      const position = request.positions[item] ?? NaN;
      const stream = `view/${domain}/${request.futureIndex}`;
      const augmentation = domain === "source" ? options.augmentation : null;
      boxes[item] = writeTrainingCrop(
        sample,
        cropOptions[domain],
        createRandom(seed, stream, position),
        {
          image: images.subarray(item * values, (item + 1) * values),
          label: domain === "source"
            ? labels.subarray(item * pixels, (item + 1) * pixels)
            : null,
        },
        draw.requiredClass,
        drawAugmentation(
          augmentation ?? null,
          options.cropSize,
          (step) =>
            createRandom(seed, `augmentation/${step}/${request.futureIndex}`, position),
        ),
      );
      fileNames[item] = sample.name;
    });
    return { crops: { fileNames, images, labels }, boxes, tasks };
  };

  return async (request) => {
    const source = planCrops(request, "source");
    const target = planCrops(request, "target");
    await runTasks([...source.tasks, ...target.tasks]);
    const { labels: _none, ...unlabeled } = target.crops;
    const hasTarget = readers.target !== null && request.draws.target !== null;
    return {
      batchSize: request.draws.source.length,
      height,
      width,
      source: source.crops,
      target: hasTarget
        ? { ...unlabeled, ...targetMargins && { countedBoxes: target.boxes } }
        : null,
    };
  };
}

/** Why a batch is not made any more. */
export const closedError = (): Error =>
  new Error("Cannot make a batch: the loader was closed");

// Runs tasks, as many at a time as there are cores: the others can still be cancelled. A
// failure is thrown when no task is running: a worker that is closed after it must not take
// a library's thread with it that still decodes a file. Of several, the first task's counts.
async function runTasks(tasks: readonly (() => Promise<void>)[]): Promise<void> {
  const failures = new Map<number, unknown>();
  let next = 0;
  const run = async () => {
    while (next < tasks.length && failures.size === 0) {
      const index = next++;
      await tasks[index]?.().catch((error) => failures.set(index, error));
    }
  };
  await Promise.all(Array.from({ length: navigator.hardwareConcurrency }, run));
  for (const index of tasks.keys()) {
    if (failures.has(index)) throw failures.get(index);
  }
}
