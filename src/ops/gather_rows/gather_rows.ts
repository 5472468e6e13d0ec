import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import gatherShader from "./gather.wgsl" with { type: "text" };
import { gatherRowsReference, scatterRowsReference } from "./reference.ts";
import scatterShader from "./scatter.wgsl" with { type: "text" };

const GATHER = defineKernel({
  name: "gatherRows",
  uniforms: { columns: "u32" },
  inputs: { x: "f32", index: "i32" },
  outputs: { out: "f32" },
  shader: gatherShader,
  reference: gatherRowsReference,
});

const SCATTER = defineKernel({
  name: "gatherRowsGradient",
  uniforms: { columns: "u32", samples: "u32" },
  inputs: { dy: "f32", index: "i32" },
  outputs: { dx: "f32" },
  shader: scatterShader,
  reference: scatterRowsReference,
});

/**
 * Some rows of a matrix, with the gradient.
 *
 * @param x [P, D]
 * @param index int32; negative: a row of zeros. Two different rows of `index` must not have
 * an element in common, or the gradient is wrong; one row may repeat an element. [R, J]
 * @returns [R, J, D]; the caller owns it.
 */
export function gatherRows(x: tf.Tensor2D, index: tf.Tensor2D): tf.Tensor3D {
  const [rows, columns] = x.shape;
  return tf.differentiable<tf.Tensor3D>(
    { x },
    (save) => {
      save([index]);
      return launch(GATHER, {
        uniforms: { columns },
        inputs: { x, index },
        outputs: { out: [...index.shape, columns] },
      }).out;
    },
    (dy, saved) => ({
      x: () => {
        const [index] = saved as [tf.Tensor2D];
        return launch(SCATTER, {
          uniforms: { columns, samples: index.shape[1] },
          inputs: { dy, index },
          outputs: { dx: tf.fill([rows, columns], 0) },
          invocations: dy.size,
        }).dx;
      },
    }),
  );
}
