import * as tf from "../core/tf.ts";
import * as kernel from "../kernels/gather_rows/mod.ts";

/**
 * Some rows of a matrix, with the gradient.
 *
 * @param x [P, D]
 * @param index int32; negative: a row of zeros. Two different rows of `index` must not have
 * an element in common, or the gradient is wrong; one row may repeat an element.
 * @returns [..., D]; the caller owns it.
 */
export function gatherRows(x: tf.Tensor2D, index: tf.Tensor2D): tf.Tensor3D {
  return tf.differentiable<tf.Tensor3D>(
    { x },
    (save) => {
      save([index]);
      return kernel.gatherRows(x, index);
    },
    (dy, [index]) => ({
      x: () => kernel.gatherRowsGradient(dy, index as tf.Tensor2D, x.shape),
    }),
  );
}
