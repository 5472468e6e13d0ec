import { differentiable } from "../core/tf.ts";
import type * as tf from "../core/tf.ts";
import * as kernel from "../kernels/gelu/mod.ts";

/**
 * GELU in its exact form, x · Φ(x), with its gradient Φ(x) + x · φ(x).
 *
 * Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016,
 * https://arxiv.org/abs/1606.08415.
 *
 * @returns Like x; the caller owns it.
 */
export function gelu<T extends tf.AnyTensor>(x: T): T {
  return differentiable<T>(
    { x },
    (save) => {
      save([x]);
      return kernel.gelu(x);
    },
    (dy, [x]) => ({ x: () => kernel.geluGradient(x as tf.Tensor, dy) }),
  );
}
