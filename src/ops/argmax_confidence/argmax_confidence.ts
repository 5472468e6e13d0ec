import type * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import { channelsOf } from "../map_sizes.ts";
import { rowItems } from "../wasm_items.ts";
import shader from "./argmax_confidence.wgsl" with { type: "text" };
import { argmaxConfidenceReference } from "./reference.ts";

const ARGMAX_CONFIDENCE = defineKernel({
  name: "argmaxConfidence",
  uniforms: { classes: "u32" },
  inputs: { logits: "f32" },
  outputs: { labels: "i32", confidence: "f32" },
  shader,
  wasm(engine, { logits, labels, confidence }, { classes }) {
    const rows = labels.length;
    const outputs = [labels.address, confidence.address];
    engine.run(
      "argmaxConfidence",
      [logits.address, rows, classes, ...outputs],
      rowItems(rows),
    );
  },
  reference: argmaxConfidenceReference,
});

/** The pseudo-label of each pixel. */
export interface ArgmaxConfidence {
  /** Most probable class; of equal ones the first. int32. [B, H, W] */
  readonly labels: tf.Tensor;
  /** Its probability under softmax, 1/C … 1. [B, H, W] */
  readonly confidence: tf.Tensor;
}

/**
 * The most probable class of each pixel and its probability, in one pass. No gradient.
 *
 * @param logits [B, H, W, C]
 * @returns Two tensors; the caller owns them.
 */
export function argmaxConfidence(logits: tf.Tensor): ArgmaxConfidence {
  const shape = logits.shape.slice(0, -1);
  return launch(ARGMAX_CONFIDENCE, {
    uniforms: { classes: channelsOf(logits) },
    inputs: { logits },
    outputs: { labels: shape, confidence: shape },
  });
}
