import * as tf from "../core/tf.ts";
import * as kernel from "../kernels/resize_bilinear/mod.ts";

/**
 * Bilinear resize without antialiasing, as PyTorch's `interpolate`.
 *
 * By default half-pixel centres (`align_corners=False`): source = max((target + ½) ·
 * in / out − ½, 0). tfjs's gradient of this mode is silently wrong; this one is exact.
 *
 * @param x [B, H, W, C]
 * @param size Height and width of the result, in pixels.
 * @returns [B, height, width, C]; the caller owns it.
 */
export function resizeBilinear(
  x: tf.Tensor4D,
  [outHeight, outWidth]: readonly [number, number],
  { alignCorners = false }: { alignCorners?: boolean } = {},
): tf.Tensor4D {
  const [, height, width, channels] = x.shape;
  if (height === outHeight && width === outWidth) return tf.clone(x);
  const sizes = {
    height,
    width,
    channels,
    outHeight,
    outWidth,
    alignCorners: alignCorners ? 1 : 0,
  };
  return tf.differentiable<tf.Tensor4D>(
    { x },
    () => kernel.resizeBilinear(x, sizes),
    (dy) => ({ x: () => kernel.resizeBilinearGradient(dy as tf.Tensor4D, sizes) }),
  );
}
