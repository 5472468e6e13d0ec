import * as tf from "../core/tf.ts";
import { matMulWithoutGradient } from "./mat_mul/mat_mul.ts";
import { fusedMatMul } from "./mat_mul/fused_mat_mul.ts";
import { sumOfOuterProducts } from "./outer_products.ts";
import { columnSum } from "./sums/sums.ts";

/**
 * Applies a matrix to the last axis: y = x · w (+ bias).
 *
 * @param x Any shape ending in I.
 * @param weight [I, O], the transpose of PyTorch's.
 * @param bias [O]
 * @returns The shape of x, ending in O; the caller owns it.
 */
export function linear(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  const [I = 0, O = 0] = weight.shape;
  const rows = x.size / I;
  return tf.differentiable(
    { x, weight, ...(bias && { bias }) },
    (save) => {
      save([x, weight]);
      const [a, b] = [tf.reshape<tf.Rank.R2>(x, [rows, I]), weight as tf.Tensor2D];
      return tf.reshape(fusedMatMul(a, b, { bias }), [...x.shape.slice(0, -1), O]);
    },
    (dy, saved) => {
      const [x, weight] = saved as [tf.Tensor, tf.Tensor2D];
      const flat = tf.reshape<tf.Rank.R2>(dy, [rows, O]);
      return {
        x: () => {
          const dx = matMulWithoutGradient(flat, weight, { transposeB: true });
          return tf.reshape(dx, x.shape);
        },
        weight: () => sumOfOuterProducts(tf.reshape(x, [rows, I]), flat),
        bias: () => columnSum(dy),
      };
    },
  );
}
