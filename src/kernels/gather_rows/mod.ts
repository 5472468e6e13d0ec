/** Some rows of a matrix, and the gradient. @module */
import * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launch, launchOne } from "../kernel.ts";
import gatherShader from "./gather.wgsl" with { type: "text" };
import { gatherRowsReference, scatterRowsReference } from "./reference.ts";
import scatterShader from "./scatter.wgsl" with { type: "text" };

const GATHER: Kernel<"count" | "columns"> = {
  name: "gatherRows",
  shader: gatherShader,
  uniforms: { count: "u32", columns: "u32" },
  twin({ columns }, inputs, outputs) {
    const [x, index] = inputs as [Cells, Cells];
    const [out] = outputs as [Cells];
    gatherRowsReference(x, index, out, columns);
  },
};

const SCATTER: Kernel<"count" | "columns" | "draws"> = {
  name: "gatherRowsGradient",
  shader: scatterShader,
  uniforms: { count: "u32", columns: "u32", draws: "u32" },
  twin({ columns }, inputs, outputs) {
    const [dy, index] = inputs as [Cells, Cells];
    const [dx] = outputs as [Cells];
    scatterRowsReference(dy, index, dx, columns);
  },
};

/** @returns x[index], zeros where the index is negative. [R, J, D] */
export function gatherRows(x: tf.Tensor2D, index: tf.Tensor2D): tf.Tensor3D {
  const [, columns] = x.shape;
  const count = index.size * columns;
  return launchOne(GATHER, {
    uniforms: { count, columns },
    inputs: [x, index],
    outputs: [{ shape: [...index.shape, columns] }],
    invocations: count,
  }) as tf.Tensor3D;
}

/** @returns d(loss)/dx; different rows of `index` must not share an element. [P, D] */
export function gatherRowsGradient(
  dy: tf.Tensor,
  index: tf.Tensor2D,
  [rows, columns]: readonly [number, number],
): tf.Tensor2D {
  const dx = tf.fill<tf.Rank.R2>([rows, columns], 0);
  launch(SCATTER, {
    uniforms: { count: dy.size, columns, draws: index.shape[1] },
    inputs: [dy, index],
    updates: [dx],
    invocations: dy.size,
  });
  return dx;
}
