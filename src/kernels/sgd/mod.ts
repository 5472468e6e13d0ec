/** One step of gradient descent with momentum of one tensor, in place. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launch } from "../kernel.ts";
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
