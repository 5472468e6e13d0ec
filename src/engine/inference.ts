/** A picture's label map: whole, in windows, at several scales, mirrored. @module */
import { readBack } from "../core/backend.ts";
import { EVALUATION, type Network, type Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { isOutOfMemory } from "../core/out_of_memory.ts";
import { resizeLogits } from "../objectives/resize_logits.ts";
import type { EvaluationView } from "../data/evaluation_view.ts";

/** Height and width, in pixels. */
interface Size {
  readonly height: number;
  readonly width: number;
}

/** How a network looks at a picture. */
export interface Inference {
  /** The picture at once, or windows whose logits are averaged where they overlap. */
  readonly mode: "whole" | "slide";
  /** Size of a window; for "slide". */
  readonly window: Size | null;
  /** Steps between windows; for "slide". */
  readonly stride: Size | null;
  /** Whether the mirrored picture is looked at too. */
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
  views: readonly EvaluationView[],
  inference: Inference,
): Promise<Uint8Array<ArrayBuffer>> {
  const labels = labelsOf(network, weights, views, inference);
  const ids = Uint8Array.from(await readBack(labels));
  labels.dispose();
  return ids;
}

function labelsOf(
  network: Network,
  weights: Weights,
  views: readonly EvaluationView[],
  inference: Inference,
): tf.Tensor {
  const sides = inference.flip ? [false, true] : [false];
  const several = views.length * sides.length > 1;
  const scoresAt = (view: EvaluationView, isMirrored: boolean) => {
    const image = tf.tensor4d(view.image, [1, view.height, view.width, 3]);
    const picture = isMirrored ? tf.reverse(image, 2) : image;
    const seen = inference.mode === "whole"
      ? whole(network, weights, picture)
      : slide(network, weights, picture, inference); // [1, h, w, classes]
    const logits = isMirrored ? tf.reverse(seen, 2) : seen;
    const { height, width } = view.original;
    const atOriginal = resizeLogits(logits, [height, width], network.decoder);
    return several ? tf.softmax(atOriginal) : atOriginal; // alone, it changes no order
  };
  const look = () => {
    let total: tf.Tensor | null = null;
    for (const view of views) {
      for (const isMirrored of sides) {
        const scores: tf.Tensor = tf.tidy(() => scoresAt(view, isMirrored));
        const before: tf.Tensor | null = total;
        total = before === null ? scores : tf.add(before, scores);
        // At full size, maps are large: no more than two of them at a time.
        if (before !== null) tf.dispose([before, scores]);
      }
    }
    if (total === null) throw new RangeError("Cannot label a picture: there is no view");
    return tf.argMax(total, 3); // [1, H, W]
  };
  try {
    return tf.tidy(look);
  } catch (error) {
    if (!isOutOfMemory(error)) throw error;
    const sizes = views.map(({ height, width }) => `${height}×${width}`).join(", ");
    throw new Error(
      `Cannot look at a picture of ${sizes} pixels: the memory of WebAssembly is not ` +
        'enough; scale it down with --set "data.resize={height: 512, width: 1024}", or ' +
        "look through windows with --slide",
      { cause: error },
    );
  }
}

function whole(network: Network, weights: Weights, image: tf.Tensor4D): tf.Tensor4D {
  const [, H, W] = image.shape;
  // Coarse maps of tiny pictures would be smaller than filters: pad as training does.
  const least = Math.max(...network.encoder.strides);
  const [h, w] = [Math.max(H, least), Math.max(W, least)];
  const padded = h === H && w === W
    ? image
    : tf.pad(image, [[0, 0], [0, h - H], [0, w - W], [0, 0]]);
  const seen = network.forward(weights, padded, EVALUATION);
  const logits = resizeLogits(seen.logits, [h, w], network.decoder);
  return padded === image ? logits : tf.slice(logits, [0, 0, 0, 0], [1, H, W, -1]);
}

function slide(
  network: Network,
  weights: Weights,
  image: tf.Tensor4D,
  { window, stride }: Inference,
): tf.Tensor4D {
  const [, H, W] = image.shape;
  const side = window ?? { height: H, width: W };
  const step = stride ?? side;
  const rows = starts(H, side.height, step.height);
  const cols = starts(W, side.width, step.width);
  const [h, w] = [Math.min(side.height, H), Math.min(side.width, W)];
  let sum: tf.Tensor4D = tf.zeros([1, H, W, network.classes]);
  let coverage: tf.Tensor4D = tf.zeros([1, H, W, 1]);
  for (const top of rows) {
    for (const left of cols) {
      const before = [sum, coverage];
      [sum, coverage] = tf.tidy(() => {
        const part = tf.slice(image, [0, top, left, 0], [1, h, w, 3]);
        const place: [[0, 0], [number, number], [number, number], [0, 0]] = [
          [0, 0],
          [top, H - top - h],
          [left, W - left - w],
          [0, 0],
        ];
        const logits = tf.pad(whole(network, weights, part), place);
        const ones = tf.pad(tf.ones<tf.Rank.R4>([1, h, w, 1]), place);
        return [tf.add(sum, logits), tf.add(coverage, ones)] as [
          tf.Tensor4D,
          tf.Tensor4D,
        ];
      });
      tf.dispose(before);
    }
  }
  return tf.div(sum, coverage);
}

/** Where windows begin; the last one is shifted back to end with the picture. */
export function starts(length: number, window: number, stride: number): number[] {
  const count = Math.floor((Math.max(length - window, 0) + stride - 1) / stride) + 1;
  return Array.from(
    { length: count },
    (_, i) => Math.max(0, Math.min(i * stride, length - window)),
  );
}
