import * as tf from "../core/tf.ts";
import * as kernel from "../kernels/average_pool/mod.ts";

/** How windows are laid over a map, in pixels; there is no padding. */
export interface AveragePoolOptions {
  /** Side of the window. */
  readonly window: number;
  /**
   * From window to window.
   * @default {window}
   */
  readonly stride?: number;
}

/**
 * Mean of each window; pixels that fill no window are left out.
 *
 * @param x [B, H, W, C]
 * @returns [B, (H − window)/stride + 1, (W − window)/stride + 1, C]; the caller owns it.
 * @throws {RangeError} If the window is larger than the map.
 */
export function averagePool(
  x: tf.Tensor4D,
  { window, stride = window }: AveragePoolOptions,
): tf.Tensor4D {
  const [, height, width] = x.shape;
  if (window < 1 || window > height || window > width) {
    throw new RangeError(
      `Cannot pool maps of ${height}×${width}: "window" must be in 1 … ` +
        `${Math.min(height, width)}, but is ${window}`,
    );
  }
  const outputs = (side: number) => Math.floor((side - window) / stride) + 1;
  return pool(x, [outputs(height), outputs(width)], window, stride);
}

/**
 * Mean of each bin of a grid laid over the map, whatever the map's size.
 *
 * Bin i of n covers rows floor(i·H/n) … ceil((i + 1)·H/n) − 1; bins may overlap.
 *
 * Source: PyTorch's `adaptive_avg_pool2d`.
 *
 * @param x [B, H, W, C]
 * @param size Height and width of the grid.
 * @returns [B, height, width, C]; the caller owns it.
 */
export function adaptiveAveragePool(
  x: tf.Tensor4D,
  size: readonly [number, number],
): tf.Tensor4D {
  return pool(x, size, 0, 1);
}

function pool(
  x: tf.Tensor4D,
  [outHeight, outWidth]: readonly [number, number],
  window: number,
  stride: number,
): tf.Tensor4D {
  const [, height, width, channels] = x.shape;
  const sizes = { height, width, channels, outHeight, outWidth, window, stride };
  return tf.differentiable<tf.Tensor4D>(
    { x },
    () => kernel.averagePool(x, sizes),
    (dy) => ({ x: () => kernel.averagePoolGradient(dy, sizes) }),
  );
}
