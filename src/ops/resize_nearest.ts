import * as tf from "../core/tf.ts";
import * as kernel from "../kernels/resize_nearest/mod.ts";

/**
 * Nearest resize: output t copies input floor(t · in / out), without half-pixel shift.
 *
 * Source: PyTorch's `interpolate(mode="nearest")`.
 *
 * @param x [B, H, W, C]
 * @param size Height and width of the result, in pixels.
 * @returns [B, height, width, C]; the caller owns it.
 */
export function resizeNearest(
  x: tf.Tensor4D,
  [outHeight, outWidth]: readonly [number, number],
): tf.Tensor4D {
  const [, height, width, channels] = x.shape;
  const sizes = { height, width, channels, outHeight, outWidth };
  return tf.differentiable<tf.Tensor4D>(
    { x },
    () => kernel.resizeNearest(x, sizes),
    (dy) => ({ x: () => kernel.resizeNearestGradient(dy, sizes) }),
  );
}
