/** Sums in a fixed order: of the columns of a matrix, and of all elements. @module */
import type * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import { channelsOf } from "../map_sizes.ts";
import { elementItems, rowItems, sumItems } from "../wasm_items.ts";
import blockSum from "./block_sum.wgsl" with { type: "text" };
import columnSumShader from "./column_sum.wgsl" with { type: "text" };
import { columnSumReference, sumAllReference } from "./reference.ts";
import sumAllShader from "./sum_all.wgsl" with { type: "text" };
import workgroupSum from "./workgroup_sum.wgsl" with { type: "text" };

const DOUBLE_BYTES = 8;

const COLUMN_SUM = defineKernel({
  name: "columnSum",
  uniforms: { rows: "u32", columns: "u32" },
  inputs: { a: "f32" },
  outputs: { out: "f32" },
  shader: blockSum + columnSumShader,
  wasm(engine, { a, out }, { rows, columns }) {
    const items = rowItems(rows);
    const partial = engine.workspace(items * columns * DOUBLE_BYTES);
    engine.run("sumRows", [a.address, rows, columns, partial], items);
    const args = [partial, items, columns, columns, out.address];
    engine.run("addBlocks", args, sumItems(columns));
  },
  reference: columnSumReference,
});

/**
 * The sum over all axes but the last: the gradient of a bias.
 *
 * @param a [..., C]
 * @returns [C]; the caller owns it.
 */
export function columnSum(a: tf.Tensor): tf.Tensor {
  const columns = channelsOf(a);
  const uniforms = { rows: a.size / columns, columns };
  return launch(COLUMN_SUM, { uniforms, inputs: { a }, outputs: { out: [columns] } }).out;
}

const SUM_ALL = defineKernel({
  name: "sumAll",
  uniforms: { count: "u32", divisor: "f32" },
  inputs: { x: "f32" },
  outputs: { out: "f32" },
  shader: workgroupSum + sumAllShader,
  wasm(engine, { x, out }, { count, divisor }) {
    const items = elementItems(count);
    const partial = engine.workspace(items * DOUBLE_BYTES);
    engine.run("sumElements", [x.address, count, partial], items);
    engine.run("divideSum", [partial, items, divisor, out.address], 1);
  },
  reference: sumAllReference,
});

/**
 * Σ x / divisor in one dispatch, meant for up to some ten thousand elements.
 *
 * @returns A scalar; the caller owns it.
 */
export function sumAll(x: tf.Tensor, divisor: number): tf.Tensor {
  return launch(SUM_ALL, {
    uniforms: { count: x.size, divisor },
    inputs: { x },
    outputs: { out: [] },
    invocations: 64,
  }).out;
}

// Enough to keep a large GPU busy; each split costs a copy of the result.
const TARGET_INVOCATIONS = 16_384;

/**
 * Rows per split where a long sum over rows is computed in splits (split-K), which
 * {@linkcode columnSum} adds.
 *
 * @param invocations Of one split: the fewer they are, the more splits fill the device.
 * @param maxSplits Sums shorter than rows / maxSplits are not worth a split.
 */
export function rowsPerSplit(
  rows: number,
  invocations: number,
  maxSplits: number,
): number {
  return Math.ceil(rows / Math.min(maxSplits, splitsToFillDevice(invocations)));
}

/** As many splits of `invocations` each as keep a large GPU busy. */
export function splitsToFillDevice(invocations: number): number {
  return Math.ceil(TARGET_INVOCATIONS / invocations);
}
