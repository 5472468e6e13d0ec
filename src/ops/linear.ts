import * as tf from "../core/tf.ts";
import { columnSum } from "../kernels/column_sum/mod.ts";
import { matMul } from "../kernels/matmul/mod.ts";
import { product } from "./mat_mul.ts";
import { rowProduct } from "./row_product.ts";

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
  const inputs = { x, weight, ...(bias && { bias }) };
  return tf.differentiable(
    inputs,
    (save) => {
      save([x, weight]);
      const y = biasedProduct(tf.reshape(x, [rows, I]), weight as tf.Tensor2D, bias);
      return tf.reshape(y, [...x.shape.slice(0, -1), O]);
    },
    (dy, saved) => {
      const [x, weight] = saved as [tf.Tensor, tf.Tensor2D];
      const flat = tf.reshape<tf.Rank.R2>(dy, [rows, O]);
      return {
        x: () => tf.reshape(product(flat, weight, { b: true }), x.shape),
        weight: () => rowProduct(tf.reshape(x, [rows, I]), flat),
        bias: () => columnSum(dy),
      };
    },
  );
}

function biasedProduct(a: tf.Tensor2D, b: tf.Tensor2D, bias?: tf.Tensor): tf.Tensor {
  return tf.getBackend() === "webgpu"
    ? matMul(a, b, { bias })
    : tf.fused.matMul({ a, b, ...(bias && { bias }) });
}
