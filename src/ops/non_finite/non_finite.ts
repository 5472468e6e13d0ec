/** Numbers that are none any more, counted where they lie. No gradient. @module */
import { readBack } from "../../core/backend.ts";
import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import shader from "./non_finite.wgsl" with { type: "text" };

/** Keeps a large GPU busy with a large tensor, and is little to read back. */
const LANES = 4096;

const COUNT = defineKernel({
  name: "nonFinite",
  uniforms: { size: "u32" },
  inputs: { x: "u32" },
  outputs: { counts: "f32" },
  shader,
  reference({ x, counts }) {
    counts[0] = (counts[0] ?? 0) + [...x].filter((one) => !Number.isFinite(one)).length;
  },
});

/**
 * How many elements of float32 tensors are NaN or infinite.
 *
 * @returns Parts of the number, float32; the caller owns them. [4096]
 */
export function nonFiniteCounts(tensors: Iterable<tf.Tensor>): tf.Tensor {
  const counts = tf.zeros([LANES]);
  for (const x of tensors) {
    launch(COUNT, { uniforms: { size: x.size }, inputs: { x }, outputs: { counts } });
  }
  return counts;
}

/** How many elements of float32 tensors are NaN or infinite, on every driver. */
export async function countNonFinite(tensors: Iterable<tf.Tensor>): Promise<number> {
  const counts = nonFiniteCounts(tensors);
  const values = await readBack(counts);
  counts.dispose();
  return [...values].reduce((sum, count) => sum + count, 0);
}
