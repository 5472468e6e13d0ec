/** One AdamW step of one tensor, in place. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launch } from "../kernel.ts";
import shader from "./adamw.wgsl" with { type: "text" };
import { adamwReference, type AdamWScalars } from "./reference.ts";

export type { AdamWScalars } from "./reference.ts";

const ADAMW: Kernel<"count" | keyof AdamWScalars> = {
  name: "adamw",
  shader,
  uniforms: {
    count: "u32",
    decay: "f32",
    beta1: "f32",
    beta2: "f32",
    take1: "f32",
    take2: "f32",
    step: "f32",
    correction: "f32",
    epsilon: "f32",
  },
  twin(scalars, inputs, outputs) {
    const [g] = inputs as [Cells];
    adamwReference(g, outputs as [Cells, Cells, Cells], scalars);
  },
};

/** Updates a parameter and its two moments. */
export function adamw(
  gradient: tf.Tensor,
  parameter: tf.Tensor,
  moments: readonly [tf.Tensor, tf.Tensor],
  scalars: AdamWScalars,
): void {
  launch(ADAMW, {
    uniforms: { count: parameter.size, ...scalars },
    inputs: [gradient],
    updates: [parameter, ...moments],
    invocations: parameter.size,
  });
}
