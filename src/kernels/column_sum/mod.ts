/** Sum over the rows of a matrix: the gradient of a bias. @module */
import type * as tf from "../../core/tf.ts";
import { type Kernel, launchOne } from "../kernel.ts";
import shader from "./column_sum.wgsl" with { type: "text" };
import { columnSumReference } from "./reference.ts";

const COLUMN_SUM: Kernel<"rows" | "columns"> = {
  name: "columnSum",
  shader,
  uniforms: { rows: "u32", columns: "u32" },
  twin: ({ columns }, [a], [out]) => {
    if (a && out) columnSumReference(a, columns, out);
  },
};

/** Sums [R, C], or anything that ends in C, to [C]. */
export function columnSum(a: tf.Tensor): tf.Tensor {
  const columns = a.shape[a.rank - 1] ?? 1;
  return launchOne(COLUMN_SUM, {
    uniforms: { rows: a.size / columns, columns },
    inputs: [a],
    outputs: [{ shape: [columns] }],
    invocations: columns,
  });
}
