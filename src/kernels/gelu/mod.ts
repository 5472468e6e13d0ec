/** GELU in its exact form, and its gradient. @module */
import type * as tf from "../../core/tf.ts";
import { type Kernel, launchOne } from "../kernel.ts";
import shader from "./gelu.wgsl" with { type: "text" };
import { geluGradientReference, geluReference } from "./reference.ts";

const GELU: Kernel<"count" | "gradient"> = {
  name: "gelu",
  shader,
  uniforms: { count: "u32", gradient: "u32" },
  twin({ gradient }, [x, dy], [out]) {
    if (!x || !dy || !out) return;
    if (gradient === 0) geluReference(x, out);
    else geluGradientReference(x, dy, out);
  },
};

/** @returns x · Φ(x), like x. */
export function gelu(x: tf.Tensor): tf.Tensor {
  return run(x, x, 0);
}

/** @returns dy · (Φ(x) + x · φ(x)), like x. */
export function geluGradient(x: tf.Tensor, dy: tf.Tensor): tf.Tensor {
  return run(x, dy, 1);
}

function run(x: tf.Tensor, dy: tf.Tensor, gradient: 0 | 1): tf.Tensor {
  return launchOne(GELU, {
    uniforms: { count: x.size, gradient },
    inputs: [x, dy],
    outputs: [{ shape: x.shape }],
    invocations: x.size,
  });
}
