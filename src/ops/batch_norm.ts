import * as tf from "../core/tf.ts";
import * as kernel from "../kernels/batch_norm/mod.ts";

export type { Moments } from "../kernels/batch_norm/mod.ts";

/**
 * Batch norm with the moments of the batch itself.
 *
 * y = (x − mean) / √(variance + ε) · scale + shift over all axes but the last, the
 * variance being biased.
 *
 * Source: Ioffe and Szegedy, "Batch Normalization" (ICML 2015),
 * https://arxiv.org/abs/1502.03167.
 *
 * @param x Any shape ending in C.
 * @param scale Weight. [C]
 * @param shift Bias. [C]
 * @param moments Those of x, see {@linkcode batchMoments}; taken as a function of x by
 * the gradient.
 * @returns Like x; the caller owns it.
 */
export function batchNorm<T extends tf.Tensor>(
  x: T,
  scale: tf.Tensor,
  shift: tf.Tensor,
  moments: kernel.Moments,
  epsilon: number,
): T {
  return tf.differentiable<T>(
    { x, scale, shift },
    (save) => {
      save([x, scale, moments.mean, moments.variance]);
      return kernel.normalise(x, moments, scale, shift, epsilon);
    },
    (dy, saved) => {
      const [x, scale, mean, variance] = saved as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      const own = { mean, variance };
      return {
        x: () => {
          const sums = kernel.scaleGradient(x, own, dy, epsilon);
          return kernel.inputGradient(x, own, scale, dy, sums, epsilon);
        },
        scale: () => kernel.scaleGradient(x, own, dy, epsilon)[0],
        shift: () => kernel.scaleGradient(x, own, dy, epsilon)[1],
      };
    },
  );
}

/** Mean and biased variance of x over all axes but the last; no gradient. [C] each */
export function batchMoments(x: tf.Tensor): kernel.Moments {
  // Off the tape: batchNorm's gradient already accounts for them.
  return kernel.moments(x);
}

/**
 * Batch norm with given moments, as in evaluation.
 *
 * @returns Like x; the caller owns it.
 */
export function frozenBatchNorm<T extends tf.Tensor>(
  x: T,
  scale: tf.Tensor,
  shift: tf.Tensor,
  moments: kernel.Moments,
  epsilon: number,
): T {
  return tf.differentiable<T>(
    { x, scale, shift },
    (save) => {
      save([x, scale, moments.mean, moments.variance]);
      return kernel.normalise(x, moments, scale, shift, epsilon);
    },
    (dy, saved) => {
      const [x, scale, mean, variance] = saved as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      const own = { mean, variance };
      return {
        x: () => tf.mul(dy, tf.div(scale, tf.sqrt(tf.add(variance, epsilon)))),
        scale: () => kernel.scaleGradient(x, own, dy, epsilon)[0],
        shift: () => kernel.scaleGradient(x, own, dy, epsilon)[1],
      };
    },
  );
}
