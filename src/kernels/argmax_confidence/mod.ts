/** Most probable class per pixel, with its probability. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launch } from "../kernel.ts";
import shader from "./argmax_confidence.wgsl" with { type: "text" };
import { argmaxConfidenceReference } from "./reference.ts";

const ARGMAX_CONFIDENCE: Kernel<"rows" | "classes"> = {
  name: "argmaxConfidence",
  shader,
  uniforms: { rows: "u32", classes: "u32" },
  twin({ classes }, inputs, outputs) {
    const [logits] = inputs as [Cells];
    argmaxConfidenceReference(logits, outputs as [Cells, Cells], classes);
  },
};

/** @returns Labels (int32) and confidence, shaped like the logits without their last axis. */
export function argmaxConfidence(logits: tf.Tensor): [tf.Tensor, tf.Tensor] {
  const shape = logits.shape.slice(0, -1);
  const classes = logits.shape[logits.rank - 1] ?? 1;
  const rows = logits.size / classes;
  return launch(ARGMAX_CONFIDENCE, {
    uniforms: { rows, classes },
    inputs: [logits],
    outputs: [{ shape, dtype: "int32" }, { shape }],
    invocations: rows,
  }) as [tf.Tensor, tf.Tensor];
}
