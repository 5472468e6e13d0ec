import * as tf from "../../src/core/tf.ts";

/** tfjs's product, which sums the gradient of the factors as it comes. */
export function scaleChannels<T extends tf.Tensor>(x: T, scale: tf.Tensor): T {
  return tf.mul(x, scale);
}
