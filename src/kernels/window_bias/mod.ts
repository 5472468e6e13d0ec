/** Biases of attention inside windows, and the gradient of their table. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launchOne } from "../kernel.ts";
import forwardShader from "./forward.wgsl" with { type: "text" };
import {
  tableGradientReference,
  windowBiasReference,
  type WindowBiasSizes,
} from "./reference.ts";
import gradientShader from "./table_gradient.wgsl" with { type: "text" };

export type { WindowBiasSizes } from "./reference.ts";

const WINDOW_BIAS: Kernel<"count" | keyof WindowBiasSizes> = {
  name: "windowBias",
  shader: forwardShader,
  uniforms: {
    count: "u32",
    heads: "u32",
    window: "u32",
    shift: "u32",
    rows: "u32",
    columns: "u32",
  },
  twin(sizes, inputs, outputs) {
    const [scores, table] = inputs as [Cells, Cells];
    const [out] = outputs as [Cells];
    windowBiasReference(scores, table, out, sizes);
  },
};

const TABLE_GRADIENT: Kernel<"heads" | "window"> = {
  name: "windowBiasTableGradient",
  shader: gradientShader,
  uniforms: { heads: "u32", window: "u32" },
  twin(sizes, inputs, outputs) {
    const [dy] = inputs as [Cells];
    const [out] = outputs as [Cells];
    tableGradientReference(dy, out, sizes);
  },
};

/** @returns Scores [B·R·S, heads, window², window²] plus their biases, of the same shape. */
export function windowBias(
  scores: tf.Tensor,
  table: tf.Tensor,
  sizes: WindowBiasSizes,
): tf.Tensor {
  return launchOne(WINDOW_BIAS, {
    uniforms: { count: scores.size, ...sizes },
    inputs: [scores, table],
    outputs: [{ shape: scores.shape }],
    invocations: scores.size,
  });
}

/**
 * @param dy Summed over windows. heads·window⁴ elements
 * @returns d(loss)/d(table). [(2·window − 1)², heads]
 */
export function windowBiasTableGradient(
  dy: tf.Tensor,
  { heads, window }: Pick<WindowBiasSizes, "heads" | "window">,
): tf.Tensor2D {
  const shape = [(2 * window - 1) ** 2, heads];
  return launchOne(TABLE_GRADIENT, {
    uniforms: { heads, window },
    inputs: [dy],
    outputs: [{ shape }],
    invocations: shape.reduce((all, side) => all * side, 1),
  }) as tf.Tensor2D;
}
