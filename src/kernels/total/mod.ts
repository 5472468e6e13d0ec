/** Sum of all numbers, in one dispatch. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launchOne } from "../kernel.ts";
import { totalReference } from "./reference.ts";
import shader from "./total.wgsl" with { type: "text" };

const TOTAL: Kernel<"count" | "divisor"> = {
  name: "total",
  shader,
  uniforms: { count: "u32", divisor: "f32" },
  twin({ divisor }, inputs, outputs) {
    const [x] = inputs as [Cells];
    totalReference(x, outputs[0] as Cells, divisor);
  },
};

/** @returns Σ x / divisor, a scalar. Meant for up to some ten thousand numbers. */
export function total(x: tf.Tensor, divisor: number): tf.Tensor {
  return launchOne(TOTAL, {
    uniforms: { count: x.size, divisor },
    inputs: [x],
    outputs: [{ shape: [] }],
    invocations: 64,
  });
}
