import { differentiable } from "../core/tf.ts";
import type * as tf from "../core/tf.ts";
import { columnSum } from "../kernels/column_sum/mod.ts";
import * as kernel from "../kernels/layer_norm/mod.ts";

/**
 * Layer norm over the last axis, with its gradients.
 *
 * y = (x − mean) / √(variance + ε) · scale + shift, the variance being biased.
 *
 * Source: Ba, Kiros and Hinton, "Layer Normalization", 2016,
 * https://arxiv.org/abs/1607.06450.
 *
 * @param x Any shape ending in C.
 * @param scale Weight. [C]
 * @param shift Bias. [C]
 * @returns Like x; the caller owns it.
 */
export function layerNorm<T extends tf.Tensor>(
  x: T,
  scale: tf.Tensor,
  shift: tf.Tensor,
  epsilon: number,
): T {
  return differentiable<T>(
    { x, scale, shift },
    (save) => {
      const [y, moments] = kernel.layerNorm(x, scale, shift, epsilon);
      save([x, scale, moments]);
      return y;
    },
    (dy, saved) => {
      const [x, scale, moments] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      return {
        x: () => kernel.layerNormInputGradient(x, scale, moments, dy),
        scale: () => kernel.layerNormScaleGradient(x, moments, dy),
        shift: () => columnSum(dy),
      };
    },
  );
}
