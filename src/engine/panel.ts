/** What one iteration looked like, in plain arrays for a picture. @module */
import type { ClassInfo, Normalisation } from "../core/host_batch.ts";
import { readBack } from "../core/backend.ts";
import { EVALUATION, type Network, type Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import type { Seen } from "../methods/domain_adaptation.ts";
import { resizeLogits } from "../objectives/resize_logits.ts";

/** One picture of a panel; its sort says how to colour it. */
export interface PanelCell {
  /** What it shows. */
  readonly title: string;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /**
   * "image": normalised RGB [H, W, 3]; "labels": class ids [H, W]; "share": 0 … 1 [H, W].
   */
  readonly sort: "image" | "labels" | "share";
  /** See `sort`. */
  readonly values: Float32Array | Int32Array | Uint8Array;
}

/** Source, target, mixed image and what was believed of them, for one sample. */
export interface Panel {
  /** Iterations done. */
  readonly iteration: number;
  /** From top to bottom, each from left to right. */
  readonly rows: readonly (readonly PanelCell[])[];
  /** For the colours of labels. */
  readonly classes: readonly ClassInfo[];
  /** What images were shifted and divided by. */
  readonly normalisation: Normalisation;
}

/** Tensors of one evaluation that outlive it, for a panel. */
export interface PanelTensors {
  readonly pseudoLabels: tf.Tensor;
  readonly mixedImages: tf.Tensor;
  readonly mixedLabels: tf.Tensor;
  readonly weights: tf.Tensor;
}

/** Keeps what a panel needs of an evaluation. */
export function keepForPanel({ opinion, mixed }: Seen): PanelTensors {
  const keep = (tensor: tf.Tensor) => tf.keep(tf.clone(tensor));
  return {
    pseudoLabels: keep(opinion.labels),
    mixedImages: keep(mixed.images),
    mixedLabels: keep(mixed.labels),
    weights: keep(mixed.weights),
  };
}

/** Frees them. */
export function releasePanelTensors(tensors: PanelTensors): void {
  tf.dispose([
    tensors.pseudoLabels,
    tensors.mixedImages,
    tensors.mixedLabels,
    tensors.weights,
  ]);
}

/**
 * Makes the panel of the first sample of a batch.
 *
 * @param kept Null where the method does not look at the target.
 */
export async function makePanel(
  about: Omit<Panel, "rows">,
  network: Network,
  student: Weights,
  { host }: Seen["batch"],
  kept: PanelTensors | null,
): Promise<Panel> {
  const { height, width, source, target } = host;
  const pixels = height * width;
  const size = { height, width };
  const image = (title: string, values: Float32Array): PanelCell => ({
    title,
    ...size,
    sort: "image",
    values: values.subarray(0, 3 * pixels),
  });
  const labels = (title: string, values: Int32Array | Uint8Array): PanelCell => ({
    title,
    ...size,
    sort: "labels",
    values: values.subarray(0, pixels),
  });
  const predicted = async (values: Float32Array) => {
    const ids = tf.tidy(() => {
      const picture = tf.tensor4d(values.slice(0, 3 * pixels), [1, height, width, 3]);
      const { logits } = network.forward(student, picture, EVALUATION);
      return tf.argMax(resizeLogits(logits, [height, width], network.decoder), 3);
    });
    const read = Int32Array.from(await readBack(ids));
    ids.dispose();
    return read;
  };
  const sourceRow = [
    image("source", source.images),
    labels("label", source.labels),
    labels("prediction", await predicted(source.images)),
  ];
  if (target === null || kept === null) return { ...about, rows: [sourceRow] };
  const read = async (tensor: tf.Tensor) => await readBack(tensor);
  const ints = async (tensor: tf.Tensor) => Int32Array.from(await read(tensor));
  const floats = async (tensor: tf.Tensor) => Float32Array.from(await read(tensor));
  const targetRow = [
    image("target", target.images),
    labels("pseudo-label", await ints(kept.pseudoLabels)),
    labels("prediction", await predicted(target.images)),
  ];
  const mixedRow: PanelCell[] = [
    image("mixed", await floats(kept.mixedImages)),
    labels("mixed label", await ints(kept.mixedLabels)),
    {
      title: "weight",
      ...size,
      sort: "share",
      values: (await floats(kept.weights)).subarray(0, pixels),
    },
  ];
  return { ...about, rows: [sourceRow, targetRow, mixedRow] };
}
