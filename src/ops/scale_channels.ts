import * as tf from "../core/tf.ts";
import { columnSum } from "./sums/sums.ts";

/**
 * Multiplies every channel by a factor of its own: y = x · scale.
 *
 * As tfjs's product, but the gradient of the factors is summed exactly, however many
 * pixels there are.
 *
 * @param x Any shape ending in C.
 * @param scale [C]
 * @returns Like x; the caller owns it.
 */
export function scaleChannels<T extends tf.Tensor>(x: T, scale: tf.Tensor): T {
  return tf.differentiable<T>(
    { x, scale },
    (save) => {
      save([x, scale]);
      return tf.mul(x, scale);
    },
    (dy, saved) => {
      const [x, scale] = saved as [tf.Tensor, tf.Tensor];
      return {
        x: () => tf.mul(dy, scale),
        scale: () => columnSum(tf.mul(dy, x)),
      };
    },
  );
}
