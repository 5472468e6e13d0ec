import * as tf from "../core/tf.ts";
import * as kernel from "../kernels/channel_distance/mod.ts";

/**
 * Euclidean distance of two maps at each pixel, over the channels.
 *
 * d = ‖a − b‖₂, with gradient 0 where a = b.
 *
 * @param a [B, H, W, C]
 * @param b [B, H, W, C]
 * @returns [B, H, W]; the caller owns it.
 */
export function channelDistance(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return tf.differentiable(
    { a, b },
    (save) => {
      const distance = kernel.channelDistance(a, b);
      save([a, b, distance]);
      return distance;
    },
    (dy, saved) => {
      const [a, b, distance] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      return {
        a: () => kernel.channelDistanceGradient(a, b, distance, dy),
        b: () => kernel.channelDistanceGradient(b, a, distance, dy),
      };
    },
  );
}
