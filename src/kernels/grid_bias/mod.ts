/** Biases of attention among tokens of a grid, and the gradient of their table. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launchOne } from "../kernel.ts";
import forwardShader from "./forward.wgsl" with { type: "text" };
import {
  gridBiasReference,
  type GridBiasSizes,
  tableGradientReference,
} from "./reference.ts";
import gradientShader from "./table_gradient.wgsl" with { type: "text" };

export type { GridBiasSizes } from "./reference.ts";

const SIZES = {
  heads: "u32",
  height: "u32",
  width: "u32",
  tableHeight: "u32",
  tableWidth: "u32",
} as const;

const GRID_BIAS: Kernel<"count" | keyof GridBiasSizes> = {
  name: "gridBias",
  shader: forwardShader,
  uniforms: { count: "u32", ...SIZES },
  twin(sizes, inputs, outputs) {
    const [scores, table] = inputs as [Cells, Cells];
    const [out] = outputs as [Cells];
    gridBiasReference(scores, table, out, sizes);
  },
};

const TABLE_GRADIENT: Kernel<keyof GridBiasSizes> = {
  name: "gridBiasTableGradient",
  shader: gradientShader,
  uniforms: SIZES,
  twin(sizes, inputs, outputs) {
    const [dy] = inputs as [Cells];
    const [out] = outputs as [Cells];
    tableGradientReference(dy, out, sizes);
  },
};

/** Entries of a table: one per offset of two tokens of its grid, and three more. */
export const gridBiasEntries = (height: number, width: number): number =>
  (2 * height - 1) * (2 * width - 1) + 3;

/** @returns Scores [B, heads, N, N] plus their biases, of the same shape. */
export function gridBias(
  scores: tf.Tensor,
  table: tf.Tensor,
  sizes: GridBiasSizes,
): tf.Tensor {
  return launchOne(GRID_BIAS, {
    uniforms: { count: scores.size, ...sizes },
    inputs: [scores, table],
    outputs: [{ shape: scores.shape }],
    invocations: scores.size,
  });
}

/**
 * @param dy Summed over the batch. heads·N² elements
 * @returns d(loss)/d(table). [(2·tableHeight − 1)·(2·tableWidth − 1) + 3, heads]
 */
export function gridBiasTableGradient(
  dy: tf.Tensor,
  sizes: GridBiasSizes,
): tf.Tensor2D {
  const entries = gridBiasEntries(sizes.tableHeight, sizes.tableWidth);
  return launchOne(TABLE_GRADIENT, {
    uniforms: { ...sizes },
    inputs: [dy],
    outputs: [{ shape: [entries, sizes.heads] }],
    invocations: entries * sizes.heads,
  }) as tf.Tensor2D;
}
