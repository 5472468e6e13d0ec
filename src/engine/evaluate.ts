/** How good a network is on a data set. @module */
import { setImmediate } from "node:timers/promises";
import type { ClassInfo, Normalisation } from "../core/host_batch.ts";
import type { Network, Weights } from "../core/network.ts";
import type { DataSet, Sample } from "../data/data_set.ts";
import { type EvaluationView, evaluationView } from "../data/evaluation_view.ts";
import { addToConfusion, createConfusion, rowsOf } from "../objectives/confusion.ts";
import { type Scores, scoresOf } from "../objectives/iou.ts";
import { trimapOf } from "../objectives/trimap.ts";
import { type Inference, predictLabels } from "./inference.ts";

/** How well all classes are found, in 0 … 1; NaN where no pixel is labelled. */
export interface EvaluationFigures {
  /** Mean over the classes that are true or predicted somewhere. */
  readonly mIoU: number;
  /** Mean share of a class's pixels that are found, over the classes that occur. */
  readonly meanAccuracy: number;
  /** Share of the labelled pixels that are right. */
  readonly pixelAccuracy: number;
  /** Mean IoU, each class weighted by its labelled pixels. */
  readonly frequencyWeightedIoU: number;
}

/** The figures of one evaluation, all in 0 … 1; null where a class does not occur. */
export interface EvaluationResult extends EvaluationFigures {
  /** How many were looked at. */
  readonly images: number;
  /** In the order of their ids. */
  readonly classes: readonly {
    readonly name: string;
    readonly iou: number | null;
    readonly accuracy: number | null;
  }[];
}

/** The figures of one evaluation and what they come from. */
export interface DetailedEvaluation extends EvaluationResult {
  /** Labelled pixels by true class (outer) and predicted class (inner). [C][C] */
  readonly confusion: readonly (readonly number[])[];
  /** The figures near boundaries alone; null where they were not asked for. */
  readonly trimap: EvaluationFigures & { readonly pixels: number } | null;
}

/** How pictures reach the network. */
export interface EvaluationOptions extends Inference {
  /** The box into which pictures are scaled first, in pixels; null keeps their size. */
  readonly resize: { readonly height: number; readonly width: number } | null;
  /** Times that box; the probabilities of several scales are averaged. */
  readonly scales: readonly number[];
  readonly normalisation: Normalisation;
  /** At most this many pictures, evenly spread; null for all. */
  readonly images: number | null;
  /** Only so much in the middle of a picture is looked at and scored; null for all. */
  readonly centre: Size | null;
  /**
   * Also score the pixels that are no farther than so many from another label or from
   * ignored pixels; null: do not.
   */
  readonly trimap: number | null;
}

/** Height and width, in pixels. */
interface Size {
  readonly height: number;
  readonly width: number;
}

/** One picture and what was predicted for it. */
export interface Prediction {
  /** The picture and its label. */
  readonly sample: Sample;
  /** Class ids at the picture's own size. [H, W] */
  readonly labels: Uint8Array<ArrayBuffer>;
}

/**
 * Predicts and scores a labelled data set.
 *
 * Pictures are looked at strictly one at a time, each at the size of its label in the end,
 * and counts are whole numbers: results depend neither on a batch size, nor on a number of
 * workers, nor on the order of pictures. Pixels with the label 255 enter no figure.
 *
 * @param seen Told about every picture, in order; e.g. to save it.
 * @param signal Stops after the picture in hand; the figures are then of those seen.
 * @throws {RangeError} If the data set is empty.
 */
export async function evaluate(
  network: Network,
  weights: Weights,
  data: DataSet,
  options: EvaluationOptions,
  seen?: (prediction: Prediction, done: number, of: number) => void | Promise<void>,
  signal?: AbortSignal,
): Promise<DetailedEvaluation> {
  const { trimap: radius } = options;
  const indices = spread(data.names.length, options.images);
  const confusion = createConfusion(network.classes);
  const nearBoundaries = radius === null ? null : createConfusion(network.classes);
  let done = 0;
  for (const index of indices) {
    const sample = centreOf(await data.read(index), options.centre);
    const labels = await predict(network, weights, sample, options);
    if (sample.label !== null) {
      addToConfusion(confusion, labels, sample.label);
      if (nearBoundaries !== null && radius !== null) {
        const band = trimapOf(sample.label, sample, radius);
        addToConfusion(nearBoundaries, labels, sample.label, band);
      }
    }
    done++;
    await seen?.({ sample, labels }, done, indices.length);
    await setImmediate(); // Ctrl-C is heard between pictures
    if (signal?.aborted) break;
  }
  const scores = scoresOf(confusion);
  return {
    ...figuresOf(scores),
    images: done,
    classes: scores.classes.map(({ iou, accuracy }, id) => ({
      name: nameOf(data.classes, id),
      iou: orNull(iou),
      accuracy: orNull(accuracy),
    })),
    confusion: rowsOf(confusion),
    trimap: nearBoundaries === null || radius === null
      ? null
      : { pixels: radius, ...figuresOf(scoresOf(nearBoundaries)) },
  };
}

/** Labels one picture at its own size. */
export async function predict(
  network: Network,
  weights: Weights,
  sample: Sample,
  options: EvaluationOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const { scales, resize, normalisation } = options;
  const views = scales.map((scale): EvaluationView => {
    const box = resize ?? { height: sample.height, width: sample.width };
    const scaled = {
      height: Math.max(1, Math.round(box.height * scale)),
      width: Math.max(1, Math.round(box.width * scale)),
    };
    const native = scale === 1 && resize === null;
    return evaluationView(sample, { resize: native ? null : scaled, normalisation });
  });
  return await predictLabels(network, weights, views, options);
}

function centreOf(sample: Sample, centre: Size | null): Sample {
  if (centre === null) return sample;
  const height = Math.min(centre.height, sample.height);
  const width = Math.min(centre.width, sample.width);
  const top = Math.floor((sample.height - height) / 2);
  const left = Math.floor((sample.width - width) / 2);
  const cut = (pixels: Uint8Array, channels: number) => {
    const part = new Uint8Array(height * width * channels);
    for (let row = 0; row < height; row++) {
      const from = ((top + row) * sample.width + left) * channels;
      const line = pixels.subarray(from, from + width * channels);
      part.set(line, row * width * channels);
    }
    return part;
  };
  const { name, image, label } = sample;
  return { name, height, width, image: cut(image, 3), label: label && cut(label, 1) };
}

function figuresOf(scores: Scores): EvaluationFigures {
  const { mIoU, meanAccuracy, pixelAccuracy, frequencyWeightedIoU } = scores;
  return { mIoU, meanAccuracy, pixelAccuracy, frequencyWeightedIoU };
}

function spread(count: number, most: number | null): number[] {
  const taken = most === null ? count : Math.min(most, count);
  return Array.from({ length: taken }, (_, i) => Math.floor(i * count / taken));
}

function nameOf(classes: readonly ClassInfo[], id: number): string {
  return classes[id]?.name ?? `class ${id}`;
}

function orNull(figure: number): number | null {
  return Number.isNaN(figure) ? null : figure;
}
