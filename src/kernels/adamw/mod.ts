/** One AdamW step, in place. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launch } from "../kernel.ts";
import { groupsOf, numbered, numberedType, sharesOf } from "../several.ts";
import shader from "./adamw.wgsl" with { type: "text" };
import fourShader from "./four.wgsl" with { type: "text" };
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

const FOUR: Kernel = {
  name: "adamwFour",
  shader: fourShader,
  uniforms: {
    ...numberedType("end", "u32", 4),
    ...numberedType("count", "u32", 4),
    ...numberedType("decay", "f32", 4),
    ...numberedType("step", "f32", 4),
    beta1: "f32",
    beta2: "f32",
    take1: "f32",
    take2: "f32",
    correction: "f32",
    epsilon: "f32",
  },
};

/** One parameter's step. */
export interface AdamWUpdate {
  readonly gradient: tf.Tensor;
  readonly parameter: tf.Tensor;
  readonly moments: readonly [first: tf.Tensor, second: tf.Tensor];
  /** Rate × weight decay. */
  readonly decay: number;
  /** Rate / (1 − β₁ᵗ). */
  readonly step: number;
}

/** Updates parameters and their moments, several at once where the device can. */
export function adamwAll(
  updates: readonly AdamWUpdate[],
  shared: Omit<AdamWScalars, "decay" | "step">,
): void {
  const { groups, rest } = groupsOf(updates, 4);
  for (const group of groups) {
    const { uniforms, invocations } = sharesOf(group.map((one) => one.parameter.size));
    const decays = numbered("decay", group.map(({ decay }) => decay));
    const steps = numbered("step", group.map(({ step }) => step));
    launch(FOUR, {
      uniforms: { ...uniforms, ...decays, ...steps, ...shared },
      inputs: group.map(({ gradient }) => gradient),
      updates: group.flatMap(({ parameter, moments }) => [parameter, ...moments]),
      invocations,
    });
  }
  for (const { decay, step, ...tensors } of rest) {
    adamw(tensors.gradient, tensors.parameter, tensors.moments, {
      ...shared,
      decay,
      step,
    });
  }
}

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
