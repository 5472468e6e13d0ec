/** What one iteration looked like, in plain arrays for a picture. @module */
import type { ClassInfo, Normalization, PixelFormat } from "../core/host_batch.ts";
import { readBack } from "../core/backend.ts";
import { channelsOf } from "../core/batch.ts";
import { EVAL_CONTEXT, type Network, type Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import type { StepInputs } from "../methods/pseudo_labeler.ts";
import { resizeLogits } from "../objectives/cross_entropy.ts";

/** One image of a panel; its `kind` says how to color it. */
export interface PanelCell {
  /** What it shows. */
  readonly title: string;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /**
   * "image": normalized [H, W, C]; "labels": class ids [H, W]; "weight": 0 … 1 [H, W].
   */
  readonly kind: "image" | "labels" | "weight";
  /** To be read as `kind` says. */
  readonly values: Float32Array | Int32Array | Uint8Array;
}

/** Source, target and mixed image of one sample, with labels, pseudo-labels and predictions. */
export interface Panel {
  /** Iterations done. */
  readonly iteration: number;
  /** From top to bottom, each from left to right. */
  readonly rows: readonly (readonly PanelCell[])[];
  /** For the colors of labels. */
  readonly classes: readonly ClassInfo[];
  /** What images were shifted and divided by. */
  readonly normalization: Normalization;
  /** Bits of the pixels before that. */
  readonly bitDepth: PixelFormat["bitDepth"];
}

/** Tensors of one evaluation that outlive it, for a panel. */
export interface PanelTensors {
  readonly pseudoLabels: tf.Tensor;
  readonly mixedImages: tf.Tensor;
  readonly mixedLabels: tf.Tensor;
  readonly pixelWeights: tf.Tensor;
}

/** Keeps what a panel needs of an evaluation. */
export function keepPanelTensors({ pseudoLabel, mixed }: StepInputs): PanelTensors {
  const keep = (tensor: tf.Tensor) => tf.keep(tf.clone(tensor));
  return {
    pseudoLabels: keep(pseudoLabel.labels),
    mixedImages: keep(mixed.images),
    mixedLabels: keep(mixed.labels),
    pixelWeights: keep(mixed.pixelWeights),
  };
}

/** Frees them. */
export function releasePanelTensors(tensors: PanelTensors): void {
  tf.dispose([
    tensors.pseudoLabels,
    tensors.mixedImages,
    tensors.mixedLabels,
    tensors.pixelWeights,
  ]);
}

/**
 * Makes the panel of the first sample of a batch.
 *
 * @param tensors Null where the method does not use the target.
 */
export async function makePanel(
  panelInfo: Omit<Panel, "rows">,
  network: Network,
  student: Weights,
  { host }: StepInputs["batch"],
  tensors: PanelTensors | null,
): Promise<Panel> {
  const { height, width, source, target } = host;
  const pixels = height * width;
  const channels = channelsOf(host);
  const size = { height, width };
  const image = (title: string, values: Float32Array): PanelCell => ({
    title,
    ...size,
    kind: "image",
    values: values.subarray(0, channels * pixels),
  });
  const labels = (title: string, values: Int32Array | Uint8Array): PanelCell => ({
    title,
    ...size,
    kind: "labels",
    values: values.subarray(0, pixels),
  });
  const predicted = async (values: Float32Array) => {
    const ids = tf.tidy(() => {
      const first = values.slice(0, channels * pixels);
      const picture = tf.tensor4d(first, [1, height, width, channels]);
      const { logits } = network.forward(student, picture, EVAL_CONTEXT);
      return tf.argMax(resizeLogits(logits, [height, width], network.decoder), 3);
    });
    const readTensor = Int32Array.from(await readBack(ids));
    ids.dispose();
    return readTensor;
  };
  const sourceRow = [
    image("source", source.images),
    labels("label", source.labels),
    labels("prediction", await predicted(source.images)),
  ];
  if (target === null || tensors === null) return { ...panelInfo, rows: [sourceRow] };
  const readTensor = async (tensor: tf.Tensor) => await readBack(tensor);
  const ints = async (tensor: tf.Tensor) => Int32Array.from(await readTensor(tensor));
  const floats = async (tensor: tf.Tensor) => Float32Array.from(await readTensor(tensor));
  const targetRow = [
    image("target", target.images),
    labels("pseudo-label", await ints(tensors.pseudoLabels)),
    labels("prediction", await predicted(target.images)),
  ];
  const mixedRow: PanelCell[] = [
    image("mixed", await floats(tensors.mixedImages)),
    labels("mixed label", await ints(tensors.mixedLabels)),
    {
      title: "weight",
      ...size,
      kind: "weight",
      values: (await floats(tensors.pixelWeights)).subarray(0, pixels),
    },
  ];
  return { ...panelInfo, rows: [sourceRow, targetRow, mixedRow] };
}
