/** Dropout of units by counter-based chance. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launchOne } from "../kernel.ts";
import shader from "./dropout.wgsl" with { type: "text" };
import { dropoutReference, type DropoutSizes } from "./reference.ts";

export type { DropoutSizes } from "./reference.ts";

const DROPOUT: Kernel<"count" | keyof DropoutSizes> = {
  name: "dropout",
  shader,
  uniforms: {
    count: "u32",
    outer: "u32",
    inner: "u32",
    seed: "u32",
    stream: "u32",
    iteration: "u32",
    rate: "f32",
  },
  clock: "iteration",
  twin(sizes, inputs, outputs) {
    const [x] = inputs as [Cells];
    const [out] = outputs as [Cells];
    dropoutReference(x, out, sizes);
  },
};

/** @returns x with whole units set to zero and the others scaled up. */
export function dropout(x: tf.Tensor, sizes: DropoutSizes): tf.Tensor {
  return launchOne(DROPOUT, {
    uniforms: { count: x.size, ...sizes },
    inputs: [x],
    outputs: [{ shape: x.shape }],
    invocations: x.size,
  });
}
