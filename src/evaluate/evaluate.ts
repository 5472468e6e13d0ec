/** How good a network is on a data set. @module */
import { setImmediate } from "node:timers/promises";
import type { ClassInfo, Pixels, Size } from "../core/host_batch.ts";
import type { Network, Weights } from "../core/network.ts";
import { communicator } from "../core/ranks.ts";
import type { DataSet, Sample } from "../data/data_set.ts";
import { evenlySpacedIndices } from "../data/evenly_spaced.ts";
import { zeroPixels } from "../data/transforms.ts";
import {
  addToConfusionMatrix,
  computeMetrics,
  confusionRows,
  createConfusionMatrix,
  type SegmentationMetrics,
} from "../objectives/segmentation_metrics.ts";
import { trimapMask } from "../objectives/trimap.ts";
import { type EvaluationOptions, predictSample } from "./predict_image.ts";

/** How well all classes are found, in 0 … 1; NaN where no pixel is labeled. */
export interface SummaryMetrics {
  /** Mean over the classes that are true or predicted somewhere. */
  readonly mIoU: number;
  /** Mean share of a class's pixels that are found, over the classes that occur. */
  readonly meanAccuracy: number;
  /** Share of the labeled pixels that are right. */
  readonly pixelAccuracy: number;
  /** Mean IoU, each class weighted by its labeled pixels. */
  readonly frequencyWeightedIoU: number;
}

/** The figures of one evaluation, all in 0 … 1; null where a class does not occur. */
export interface EvaluationResult extends SummaryMetrics {
  /** How many were evaluated. */
  readonly images: number;
  /** In the order of their ids. */
  readonly classes: readonly {
    readonly name: string;
    readonly iou: number | null;
    readonly accuracy: number | null;
  }[];
  /** What to know about the figures, a sentence each; left out: nothing. */
  readonly notes?: readonly string[];
}

/** The figures of one evaluation and what they come from. */
export interface DetailedEvaluation extends EvaluationResult {
  /** Labeled pixels by true class (outer) and predicted class (inner). [C][C] */
  readonly confusion: readonly (readonly number[])[];
  /** The figures near boundaries alone; null where they were not asked for. */
  readonly trimap: SummaryMetrics & { readonly pixels: number } | null;
}

/** One picture and what was predicted for it. */
export interface Prediction {
  /** The picture and its label. */
  readonly sample: Sample;
  /** Class ids at the picture's own size. [H, W] */
  readonly labels: Uint8Array<ArrayBuffer>;
}

/**
 * Predicts and scores a labeled data set.
 *
 * Images are evaluated one at a time, each at the size of its label in the end,
 * and counts are whole numbers: results depend neither on a batch size, nor on a number of
 * workers or ranks, nor on the order of pictures. Pixels with the label 255 enter no figure.
 *
 * @param onPrediction Called with every image of this rank, in order; e.g. to save it.
 * @param signal Stops after the current image; the metrics are then of the images so far.
 * @throws {RangeError} If the data set is empty.
 */
export async function evaluate(
  network: Network,
  weights: Weights,
  data: DataSet,
  options: EvaluationOptions,
  onPrediction?: (
    prediction: Prediction,
    done: number,
    of: number,
  ) => void | Promise<void>,
  signal?: AbortSignal,
): Promise<DetailedEvaluation> {
  const { trimap: radius } = options;
  const indices = evenlySpacedIndices(data.names.length, options.maxImages ?? Infinity);
  const ranks = communicator();
  const ofThisRank = ranks === null
    ? indices
    : indices.filter((_, i) => i % ranks.size === ranks.rank);
  const confusion = createConfusionMatrix(network.classCount);
  const trimapConfusion = radius === null
    ? null
    : createConfusionMatrix(network.classCount);
  let done = 0;
  for (const index of ofThisRank) {
    const sample = centerCrop(await data.read(index), options.centerCrop);
    const labels = await predictSample(network, weights, sample, options);
    if (sample.label !== null) {
      addToConfusionMatrix(confusion, labels, sample.label);
      if (trimapConfusion !== null && radius !== null) {
        const mask = trimapMask(sample.label, sample, radius);
        addToConfusionMatrix(trimapConfusion, labels, sample.label, mask);
      }
    }
    done++;
    await onPrediction?.({ sample, labels }, done, indices.length);
    await setImmediate(); // Ctrl-C is heard between pictures
    if (signal?.aborted) break;
  }
  for (const matrix of [confusion, trimapConfusion]) {
    if (matrix !== null) sumOverRanks(matrix.counts);
  }
  const metrics = computeMetrics(confusion);
  const classes = metrics.classes.map(({ iou, accuracy }, id) => ({
    name: classNameOf(data.classes, id),
    iou: nanToNull(iou),
    accuracy: nanToNull(accuracy),
  }));
  const note = soleClassNote(metrics.mIoU, classes);
  return {
    ...summaryOf(metrics),
    images: ranks === null ? done : indices.length,
    classes,
    ...(note === null ? {} : { notes: [note] }),
    confusion: confusionRows(confusion),
    trimap: trimapConfusion === null || radius === null
      ? null
      : { pixels: radius, ...summaryOf(computeMetrics(trimapConfusion)) },
  };
}

// Gathered as their bits and then summed, which is exact.
function sumOverRanks(counts: Float64Array<ArrayBuffer>): void {
  const ranks = communicator();
  if (ranks === null) return;
  const gathered = new Float64Array(ranks.gather(new Float32Array(counts.buffer)).buffer);
  for (let i = 0; i < counts.length; i++) {
    let sum = 0;
    for (let rank = 0; rank < ranks.size; rank++) {
      sum += gathered[rank * counts.length + i] ?? 0;
    }
    counts[i] = sum;
  }
}

// What a perfect score is worth where nothing else could be predicted; null: it is worth it.
function soleClassNote(
  mIoU: number,
  classes: EvaluationResult["classes"],
): string | null {
  const [only, second] = classes.filter(({ accuracy }) => accuracy !== null);
  if (mIoU !== 1 || only === undefined || second !== undefined) return null;
  return `only "${only.name}" occurs in these labels: a perfect score says nothing about ` +
    "other classes";
}

function centerCrop(sample: Sample, center: Size | null): Sample {
  if (center === null) return sample;
  const height = Math.min(center.height, sample.height);
  const width = Math.min(center.width, sample.width);
  const top = Math.floor((sample.height - height) / 2);
  const left = Math.floor((sample.width - width) / 2);
  const cropPixels = <P extends Pixels>(pixels: P, cropped: P, channels: number) => {
    for (let row = 0; row < height; row++) {
      const from = ((top + row) * sample.width + left) * channels;
      const line = pixels.subarray(from, from + width * channels);
      cropped.set(line, row * width * channels);
    }
    return cropped;
  };
  const { image, label, channels } = sample;
  const area = height * width;
  return {
    ...sample,
    height,
    width,
    image: cropPixels(image, zeroPixels(image, area * channels), channels),
    label: label && cropPixels(label, new Uint8Array(area), 1),
  };
}

function summaryOf(metrics: SegmentationMetrics): SummaryMetrics {
  const { mIoU, meanAccuracy, pixelAccuracy, frequencyWeightedIoU } = metrics;
  return { mIoU, meanAccuracy, pixelAccuracy, frequencyWeightedIoU };
}

function classNameOf(classes: readonly ClassInfo[], id: number): string {
  return classes[id]?.name ?? `class ${id}`;
}

function nanToNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
