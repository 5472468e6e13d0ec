/** The label map of an image: whole, in windows, at several scales, mirrored. @module */
import { readBack } from "../core/device.ts";
import type { Size } from "../core/host_batch.ts";
import { EVAL_CONTEXT, type Network, type Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { isOutOfMemory } from "../core/out_of_memory.ts";
import { windowStarts } from "../models/window_starts.ts";
import { resizeLogits } from "../objectives/cross_entropy.ts";
import type { EvaluationImage } from "../data/pipelines.ts";

/** How an image goes through a network. */
export interface InferenceOptions {
  /** The picture at once, or windows whose logits are averaged where they overlap. */
  readonly mode: "whole" | "slide";
  /** Size of a window; for "slide". */
  readonly windowSize: Size | null;
  /** Steps between windows; for "slide". */
  readonly stride: Size | null;
  /** Whether to average with the mirrored image. */
  readonly flip: boolean;
}

/**
 * Labels every pixel of a picture.
 *
 * Logits go to the size of the view, then to the original size; several views (scales,
 * mirrored or not) are averaged as probabilities.
 *
 * @param views The same picture at one or more scales.
 * @returns Class ids at the original size. [H, W]
 * @throws {Error} If the memory of the device is not enough for a picture of this size.
 */
export async function predictLabels(
  network: Network,
  weights: Weights,
  views: readonly EvaluationImage[],
  inference: InferenceOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const labels = predictLabelTensor(network, weights, views, inference);
  const ids = Uint8Array.from(await readBack(labels));
  labels.dispose();
  return ids;
}

function predictLabelTensor(
  network: Network,
  weights: Weights,
  views: readonly EvaluationImage[],
  inference: InferenceOptions,
): tf.Tensor {
  const mirrorings = inference.flip ? [false, true] : [false];
  const isAveraged = views.length * mirrorings.length > 1;
  const scoresAt = (view: EvaluationImage, isMirrored: boolean) => {
    const { height: h, width: w, channels } = view;
    const image = tf.tensor4d(view.image, [1, h, w, channels]);
    const input = isMirrored ? tf.reverse(image, 2) : image;
    const viewLogits = inference.mode === "whole"
      ? wholeLogits(network, weights, input)
      : slidingLogits(network, weights, input, inference); // [1, h, w, classes]
    const logits = isMirrored ? tf.reverse(viewLogits, 2) : viewLogits;
    const { height, width } = view.originalSize;
    const atOriginal = resizeLogits(logits, [height, width], network.decoder);
    return isAveraged ? tf.softmax(atOriginal) : atOriginal; // alone, it changes no order
  };
  const averageViews = () => {
    let total: tf.Tensor | null = null;
    for (const view of views) {
      for (const isMirrored of mirrorings) {
        const scores: tf.Tensor = tf.tidy(() => scoresAt(view, isMirrored));
        const previous: tf.Tensor | null = total;
        total = previous === null ? scores : tf.add(previous, scores);
        // At full size, maps are large: no more than two of them at a time.
        if (previous !== null) tf.dispose([previous, scores]);
      }
    }
    if (total === null) throw new RangeError("Cannot label a picture: there is no view");
    return tf.argMax(total, 3); // [1, H, W]
  };
  try {
    return tf.tidy(averageViews);
  } catch (error) {
    if (!isOutOfMemory(error)) throw error;
    const sizes = views.map(({ height, width }) => `${height}×${width}`).join(", ");
    throw new Error(
      `Cannot predict an image of ${sizes} pixels: the memory of WebAssembly is not ` +
        'enough; scale it down with --set "data.resize={height: 512, width: 1024}", or ' +
        "slide a window over it with --slide",
      { cause: error },
    );
  }
}

function wholeLogits(
  network: Network,
  weights: Weights,
  image: tf.Tensor4D,
): tf.Tensor4D {
  const [, H, W] = image.shape;
  // Coarse maps of tiny pictures would be smaller than filters: pad as training does.
  const minimumSide = Math.max(...network.encoder.strides);
  const [h, w] = [Math.max(H, minimumSide), Math.max(W, minimumSide)];
  const padded = h === H && w === W
    ? image
    : tf.pad(image, [[0, 0], [0, h - H], [0, w - W], [0, 0]]);
  const output = network.forward(weights, padded, EVAL_CONTEXT);
  const logits = resizeLogits(output.logits, [h, w], network.decoder);
  return padded === image ? logits : tf.slice(logits, [0, 0, 0, 0], [1, H, W, -1]);
}

function slidingLogits(
  network: Network,
  weights: Weights,
  image: tf.Tensor4D,
  { windowSize: window, stride }: InferenceOptions,
): tf.Tensor4D {
  const [, H, W] = image.shape;
  const windowSize = window ?? { height: H, width: W };
  const step = stride ?? windowSize;
  const rows = windowStarts(H, windowSize.height, step.height);
  const cols = windowStarts(W, windowSize.width, step.width);
  const [h, w] = [Math.min(windowSize.height, H), Math.min(windowSize.width, W)];
  let sum: tf.Tensor4D = tf.zeros([1, H, W, network.classCount]);
  let coverage: tf.Tensor4D = tf.zeros([1, H, W, 1]);
  for (const top of rows) {
    for (const left of cols) {
      const previous = [sum, coverage];
      [sum, coverage] = tf.tidy(() => {
        const crop = tf.slice(image, [0, top, left, 0], [1, h, w, -1]);
        const padding: [[0, 0], [number, number], [number, number], [0, 0]] = [
          [0, 0],
          [top, H - top - h],
          [left, W - left - w],
          [0, 0],
        ];
        const logits = tf.pad(wholeLogits(network, weights, crop), padding);
        const ones = tf.pad(tf.ones<tf.Rank.R4>([1, h, w, 1]), padding);
        return [tf.add(sum, logits), tf.add(coverage, ones)] as [
          tf.Tensor4D,
          tf.Tensor4D,
        ];
      });
      tf.dispose(previous);
    }
  }
  return tf.div(sum, coverage);
}
