import * as tf from "../core/tf.ts";

/**
 * Computes something as a constant: no gradient flows through it.
 *
 * @param compute Its intermediate tensors are released.
 * @returns What it returns; the caller owns it.
 */
export function noGrad<T extends tf.Tensor>(compute: () => T): T {
  return tf.differentiable<T>({}, compute, () => ({}));
}
