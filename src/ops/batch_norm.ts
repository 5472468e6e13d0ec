import * as tf from "../core/tf.ts";
import * as kernel from "../kernels/batch_norm/mod.ts";

export type { Moments } from "../kernels/batch_norm/mod.ts";

/** Weight, bias and ε of a normalisation. */
export interface Affine {
  /** Weight. [C] */
  readonly scale: tf.Tensor;
  /** Bias. [C] */
  readonly shift: tf.Tensor;
  /** ε, added to the variance. */
  readonly epsilon: number;
}

/** Mean and biased variance of x over all axes but the last; no gradient. [C] each */
export function batchMoments(x: tf.Tensor): kernel.Moments {
  // Off the tape: batchNorm's gradient already accounts for them.
  return kernel.moments(x);
}

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
 * @param moments Those of x, see {@linkcode batchMoments}; taken as a function of x by
 * the gradient.
 * @returns Like x; the caller owns it.
 */
export function batchNorm<T extends tf.Tensor>(
  x: T,
  affine: Affine,
  moments: kernel.Moments,
): T {
  return normalise(x, affine, moments, (dy, x, scale, own, epsilon) => {
    const sums = kernel.scaleGradient(x, own, dy, epsilon);
    return kernel.inputGradient(x, own, scale, dy, sums, epsilon);
  });
}

/**
 * Batch norm with given moments, as in evaluation.
 *
 * @returns Like x; the caller owns it.
 */
export function frozenBatchNorm<T extends tf.Tensor>(
  x: T,
  affine: Affine,
  moments: kernel.Moments,
): T {
  return normalise(
    x,
    affine,
    moments,
    (dy, _x, scale, { variance }, epsilon) =>
      tf.mul(dy, tf.div(scale, tf.sqrt(tf.add(variance, epsilon)))),
  );
}

// The two differ only in whether the moments move with x.
function normalise<T extends tf.Tensor>(
  x: T,
  { scale, shift, epsilon }: Affine,
  moments: kernel.Moments,
  inputGradient: (
    dy: tf.Tensor,
    x: tf.Tensor,
    scale: tf.Tensor,
    moments: kernel.Moments,
    epsilon: number,
  ) => tf.Tensor,
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
        x: () => inputGradient(dy, x, scale, own, epsilon),
        scale: () => kernel.scaleGradient(x, own, dy, epsilon)[0],
        shift: () => kernel.scaleGradient(x, own, dy, epsilon)[1],
      };
    },
  );
}
