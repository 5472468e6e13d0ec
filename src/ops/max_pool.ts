import * as tf from "../core/tf.ts";
import * as kernel from "../kernels/max_pool/mod.ts";

/** How windows are laid over a map, in pixels. */
export interface MaxPoolOptions {
  /** Side of the window. */
  readonly window: number;
  /**
   * From window to window.
   * @default {window}
   */
  readonly stride?: number;
  /**
   * Pixels around the map that are never a maximum.
   * @default {0}
   */
  readonly padding?: number;
  /**
   * Whether a last window may reach beyond the padded map.
   * @default {false}
   */
  readonly ceil?: boolean;
}

/**
 * Largest value of each window, as PyTorch's `max_pool2d`.
 *
 * Of equal maxima the first in row-major order receives the gradient. (tfjs's gradient is
 * wrong on the wasm backend unless the maximum is positive.)
 *
 * @param x [B, H, W, C]
 * @returns [B, OH, OW, C]; the caller owns it.
 * @throws {RangeError} If the window is larger than the padded map, or the padding is more
 * than half the window.
 */
export function maxPool(
  x: tf.Tensor4D,
  { window, stride = window, padding = 0, ceil = false }: MaxPoolOptions,
): tf.Tensor4D {
  const [, height, width, channels] = x.shape;
  const outputs = (side: number) => {
    const steps = (side + 2 * padding - window) / stride;
    const count = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    // A window that starts beyond the map would see padding only.
    return ceil && (count - 1) * stride >= side + padding ? count - 1 : count;
  };
  const sizes = {
    height,
    width,
    channels,
    outHeight: outputs(height),
    outWidth: outputs(width),
    window,
    stride,
    padding,
  };
  if (sizes.outHeight < 1 || sizes.outWidth < 1 || 2 * padding > window) {
    throw new RangeError(
      `Cannot pool maps of ${height}×${width} with "window" ${window} and "padding" ` +
        `${padding}: the window must fit and the padding be at most half of it`,
    );
  }
  if (tf.getBackend() !== "webgpu") return searched(x, sizes);
  return tf.differentiable<tf.Tensor4D>(
    { x },
    (save) => {
      const [y, places] = kernel.maxPool(x, sizes);
      save([places]);
      return y;
    },
    (dy, [places]) => ({
      x: () => kernel.maxPoolGradient(dy, places as tf.Tensor, sizes),
    }),
  );
}

// XNNPACK does not tell where the maxima are; they are looked for if there is a gradient.
function searched(x: tf.Tensor4D, sizes: kernel.MaxPoolSizes): tf.Tensor4D {
  return tf.differentiable<tf.Tensor4D>(
    { x },
    (save) => {
      const y = kernel.maxima(x, sizes);
      save([x, y]);
      return y;
    },
    (dy, saved) => {
      const [x, y] = saved as [tf.Tensor, tf.Tensor];
      return { x: () => kernel.maximaGradient([x, y, dy], sizes) };
    },
  );
}
