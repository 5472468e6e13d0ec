import { withoutGradient } from "../core/backward.ts";
import * as tf from "../core/tf.ts";

/**
 * Computes something as a constant: no gradient flows through it.
 *
 * @param compute Its intermediate tensors are released.
 * @returns What it returns; the caller owns it.
 */
export function noGrad<T extends tf.TensorContainer>(compute: () => T): T {
  return withoutGradient(() => tf.tidy(compute));
}
