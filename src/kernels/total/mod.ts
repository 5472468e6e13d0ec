/** Sum of all numbers in one dispatch. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launchOne } from "../kernel.ts";
import { totalReference } from "./reference.ts";
import shader from "./total.wgsl" with { type: "text" };

const TOTAL: Kernel<"count" | "factor"> = {
  name: "total",
  shader,
  uniforms: { count: "u32", factor: "f32" },
  twin({ factor }, inputs, outputs) {
    const [x] = inputs as [Cells];
    totalReference(x, outputs[0] as Cells, factor);
  },
};

/** @returns factor · Σ x, a scalar. Meant for up to some ten thousand numbers. */
export function total(x: tf.Tensor, factor: number): tf.Tensor {
  return launchOne(TOTAL, {
    uniforms: { count: x.size, factor },
    inputs: [x],
    outputs: [{ shape: [] }],
    invocations: 64,
  });
}
