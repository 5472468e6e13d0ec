/** Random nonzero columns of the rows of a mask, sampled on the device. @module */
import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import countShader from "./count.wgsl" with { type: "text" };
import {
  BLOCK_COLUMNS,
  countNonzeroReference,
  sampleRowsReference,
  SAMPLING_UNIFORMS,
  type SamplingKey,
} from "./reference.ts";
import sampleShader from "./sample.wgsl" with { type: "text" };
import uniformAt from "./uniform_at.wgsl" with { type: "text" };

export type { SamplingKey } from "./reference.ts";

const COUNT_NONZERO = defineKernel({
  name: "countNonzeroInRows",
  uniforms: { columns: "u32", blocks: "u32" },
  inputs: { mask: "f32" },
  outputs: { counts: "f32" },
  shader: countShader,
  reference: countNonzeroReference,
});

const SAMPLE_ROWS = defineKernel({
  name: "sampleFromRows",
  uniforms: {
    columns: "u32",
    blocks: "u32",
    samples: "u32",
    stratified: "u32",
    ...SAMPLING_UNIFORMS,
  },
  inputs: { mask: "f32", counts: "f32" },
  outputs: { index: "i32" },
  shader: uniformAt + sampleShader,
  forwardCountUniform: "forwardIndex",
  reference: sampleRowsReference,
});

/** What was sampled; the caller owns both. */
export interface RowSamples {
  /** int32 columns, −1 where there was nothing to sample. [R, samples] */
  readonly index: tf.Tensor2D;
  /** How many columns of each row are not zero. [R] */
  readonly counts: tf.Tensor1D;
}

/**
 * Samples columns in which the mask is not zero, row by row. No gradient.
 *
 * @param mask float32. [R, columns]
 * @param stratified Each column at most once, evenly over the row; else with replacement.
 */
export function sampleFromRows(
  mask: tf.Tensor2D,
  samples: number,
  stratified: boolean,
  { seed, stream, forwardIndex }: SamplingKey,
): RowSamples {
  const [rows, columns] = mask.shape;
  const blocks = Math.ceil(columns / BLOCK_COLUMNS);
  const { counts } = launch(COUNT_NONZERO, {
    uniforms: { columns, blocks },
    inputs: { mask },
    outputs: { counts: [rows, blocks] },
  });
  const key = { seed, stream, forwardIndex };
  const { index } = launch(SAMPLE_ROWS, {
    uniforms: { columns, blocks, samples, stratified: Number(stratified), ...key },
    inputs: { mask, counts },
    outputs: { index: [rows, samples] },
  });
  const rowCounts = tf.sum(counts, 1) as tf.Tensor1D;
  counts.dispose();
  return { index: index as tf.Tensor2D, counts: rowCounts };
}
