/** Random set cells of the rows of a mask, drawn on the device. @module */
import * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launchOne } from "../kernel.ts";
import countShader from "./count.wgsl" with { type: "text" };
import drawShader from "./draw.wgsl" with { type: "text" };
import { BLOCK, countReference, type DrawKey, drawReference } from "./reference.ts";

export type { DrawKey } from "./reference.ts";

const COUNT: Kernel<"count" | "columns" | "blocks"> = {
  name: "rowDrawsCount",
  shader: countShader,
  uniforms: { count: "u32", columns: "u32", blocks: "u32" },
  twin({ columns }, inputs, outputs) {
    const [mask] = inputs as [Cells];
    const [counts] = outputs as [Cells];
    countReference(mask, counts, columns);
  },
};

const DRAW: Kernel<
  "count" | "columns" | "blocks" | "draws" | "spread" | keyof DrawKey
> = {
  name: "rowDraws",
  shader: drawShader,
  uniforms: {
    count: "u32",
    columns: "u32",
    blocks: "u32",
    draws: "u32",
    spread: "u32",
    seed: "u32",
    stream: "u32",
    evaluation: "u32",
  },
  clock: "evaluation",
  twin({ columns, draws, spread, ...key }, inputs, outputs) {
    const [mask] = inputs as [Cells, Cells];
    const [index] = outputs as [Cells];
    drawReference(mask, index, columns, draws, spread === 1, key);
  },
};

/** What was drawn; the caller owns both. */
export interface RowDraws {
  /** int32 columns, −1 where there was nothing to draw. [R, draws] */
  readonly index: tf.Tensor2D;
  /** How many cells are set. [R] */
  readonly totals: tf.Tensor1D;
}

/**
 * Draws.
 *
 * @param mask float32. [R, columns]
 * @param spread Every cell at most once, evenly over the row; else with replacement.
 */
export function drawFromRows(
  mask: tf.Tensor2D,
  draws: number,
  spread: boolean,
  key: DrawKey,
): RowDraws {
  const [rows, columns] = mask.shape;
  const blocks = Math.ceil(columns / BLOCK);
  const counts = launchOne(COUNT, {
    uniforms: { count: rows * blocks, columns, blocks },
    inputs: [mask],
    outputs: [{ shape: [rows, blocks] }],
    invocations: rows * blocks,
  });
  const index = launchOne(DRAW, {
    uniforms: { count: rows * draws, columns, blocks, draws, spread: +spread, ...key },
    inputs: [mask, counts],
    outputs: [{ shape: [rows, draws], dtype: "int32" }],
    invocations: rows * draws,
  }) as tf.Tensor2D;
  const totals = tf.sum(counts, 1) as tf.Tensor1D;
  counts.dispose();
  return { index, totals };
}
