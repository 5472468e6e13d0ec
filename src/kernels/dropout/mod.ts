/** Dropout of units by counter-based chance. @module */
import * as tf from "../../core/tf.ts";
import { type Kernel, launchOne, launchPlain } from "../kernel.ts";
import shader from "./dropout.wgsl" with { type: "text" };
import { dropoutFactors, type DropoutSizes } from "./reference.ts";

export type { DropoutSizes } from "./reference.ts";

const DROPOUT: Kernel<"count" | keyof DropoutSizes> = {
  name: "dropout",
  shader,
  uniforms: {
    count: "u32",
    outer: "u32",
    inner: "u32",
    before: "u32",
    seed: "u32",
    stream: "u32",
    iteration: "u32",
    rate: "f32",
  },
  clock: "iteration",
};

/** @returns x with whole units set to zero and the others scaled up. */
export function dropout(x: tf.Tensor, sizes: DropoutSizes): tf.Tensor {
  if (tf.getBackend() !== "webgpu") return byFactors(x, sizes);
  return launchOne(DROPOUT, {
    uniforms: { count: x.size, ...sizes },
    inputs: [x],
    outputs: [{ shape: x.shape }],
    invocations: x.size,
  });
}

// One factor per unit is drawn, and XNNPACK multiplies.
function byFactors(x: tf.Tensor, sizes: DropoutSizes): tf.Tensor {
  const { outer, inner } = sizes;
  const [groups, rows, columns] = outer === 1
    ? [1, 1, x.size]
    : [x.size / outer, outer / inner, inner];
  return tf.tidy(() => {
    const [factors] = launchPlain("dropout", {
      inputs: [],
      outputs: [{ shape: [groups, 1, columns] }],
      compute(_, [factors]) {
        if (factors) dropoutFactors(factors, sizes);
      },
    }) as [tf.Tensor];
    return tf.reshape(
      tf.mul(tf.reshape(x, [groups, rows, columns]), factors),
      x.shape,
    );
  });
}
