/** Softmax cross entropy per pixel, and its gradient. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launchOne } from "../kernel.ts";
import shader from "./cross_entropy.wgsl" with { type: "text" };
import { crossEntropyGradientReference, crossEntropyReference } from "./reference.ts";

const CROSS_ENTROPY: Kernel<"rows" | "classes" | "gradient"> = {
  name: "crossEntropy",
  shader,
  uniforms: { rows: "u32", classes: "u32", gradient: "u32" },
  twin({ classes, gradient }, inputs, outputs) {
    const [logits, labels, dy] = inputs as [Cells, Cells, Cells];
    const [out] = outputs as [Cells];
    if (gradient === 0) crossEntropyReference(logits, labels, out, classes);
    else crossEntropyGradientReference([logits, labels, dy], out, classes);
  },
};

/** @returns The loss of each pixel, shaped like the labels. */
export function crossEntropy(logits: tf.Tensor, labels: tf.Tensor): tf.Tensor {
  return run(logits, labels, logits, 0);
}

/** @returns d(loss)/d(logits), like the logits. */
export function crossEntropyGradient(
  logits: tf.Tensor,
  labels: tf.Tensor,
  dy: tf.Tensor,
): tf.Tensor {
  return run(logits, labels, dy, 1);
}

function run(logits: tf.Tensor, labels: tf.Tensor, dy: tf.Tensor, gradient: 0 | 1) {
  const rows = labels.size;
  return launchOne(CROSS_ENTROPY, {
    uniforms: { rows, classes: logits.size / rows, gradient },
    inputs: [logits, labels, dy],
    outputs: [{ shape: gradient === 1 ? logits.shape : labels.shape }],
    invocations: rows,
  });
}
