/** One step of gradient descent with momentum, in place. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launch } from "../kernel.ts";
import { groupsOf, numbered, numberedType, sharesOf } from "../several.ts";
import fourShader from "./four.wgsl" with { type: "text" };
import { sgdReference, type SgdScalars } from "./reference.ts";
import shader from "./sgd.wgsl" with { type: "text" };

export type { SgdScalars } from "./reference.ts";

const SGD: Kernel<"count" | keyof SgdScalars> = {
  name: "sgd",
  shader,
  uniforms: { count: "u32", rate: "f32", momentum: "f32", decay: "f32" },
  twin(scalars, inputs, outputs) {
    const [g] = inputs as [Cells];
    sgdReference(g, outputs as [Cells, Cells], scalars);
  },
};

const FOUR: Kernel = {
  name: "sgdFour",
  shader: fourShader,
  uniforms: {
    ...numberedType("end", "u32", 4),
    ...numberedType("count", "u32", 4),
    ...numberedType("rate", "f32", 4),
    ...numberedType("decay", "f32", 4),
    momentum: "f32",
  },
};

/** One parameter's step. */
export interface SgdUpdate extends Pick<SgdScalars, "rate" | "decay"> {
  readonly gradient: tf.Tensor;
  readonly parameter: tf.Tensor;
  /** Its momentum buffer, which starts at zero. */
  readonly buffer: tf.Tensor;
}

/** Updates parameters and their momentum buffers, several at once where the device can. */
export function sgdAll(updates: readonly SgdUpdate[], momentum: number): void {
  const { groups, rest } = groupsOf(updates, 4);
  for (const group of groups) {
    const { uniforms, invocations } = sharesOf(group.map((one) => one.parameter.size));
    const rates = numbered("rate", group.map(({ rate }) => rate));
    const decays = numbered("decay", group.map(({ decay }) => decay));
    launch(FOUR, {
      uniforms: { ...uniforms, ...rates, ...decays, momentum },
      inputs: group.map(({ gradient }) => gradient),
      updates: group.flatMap(({ parameter, buffer }) => [parameter, buffer]),
      invocations,
    });
  }
  for (const { gradient, parameter, buffer, rate, decay } of rest) {
    sgd(gradient, parameter, buffer, { rate, momentum, decay });
  }
}

/** Updates a parameter and its momentum buffer, which starts at zero. */
export function sgd(
  gradient: tf.Tensor,
  parameter: tf.Tensor,
  buffer: tf.Tensor,
  scalars: SgdScalars,
): void {
  launch(SGD, {
    uniforms: { count: parameter.size, ...scalars },
    inputs: [gradient],
    updates: [parameter, buffer],
    invocations: parameter.size,
  });
}
