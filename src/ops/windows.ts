/**
 * Maps as square windows, the tokens of shifted-window attention.
 *
 * Source: Liu et al., "Swin Transformer" (ICCV 2021), https://arxiv.org/abs/2103.14030,
 * section 3.2.
 *
 * @module
 */
import { differentiable } from "../core/tf.ts";
import type * as tf from "../core/tf.ts";
import * as kernel from "../kernels/windows/mod.ts";
import type { WindowSizes } from "../kernels/windows/mod.ts";

export type { WindowSizes } from "../kernels/windows/mod.ts";

/**
 * How maps are cut.
 *
 * @param x [B, H, W, C]
 * @param window Side of the windows, in pixels.
 * @param shift By how many pixels the maps are rolled up and to the left before.
 * @throws {RangeError} If `window` is not positive or `shift` is not in [0, window).
 */
export function windowSizes(
  x: tf.Tensor4D,
  window: number,
  shift: number,
): WindowSizes {
  if (!(window > 0 && shift >= 0 && shift < window)) {
    throw new RangeError(
      `Cannot cut maps into windows: "window" must be positive and "shift" smaller: ` +
        `received ${window} and ${shift}`,
    );
  }
  const [, height, width, channels] = x.shape;
  const rows = Math.ceil(height / window);
  const columns = Math.ceil(width / window);
  return { height, width, channels, window, shift, rows, columns };
}

/**
 * Cuts maps into R·S windows each, zeros filling up those at the bottom and the right.
 *
 * @param x [B, H, W, C]
 * @returns Row by row, the pixels of each too. [B·R·S, window², C]; the caller owns it.
 */
export function splitWindows(x: tf.Tensor4D, sizes: WindowSizes): tf.Tensor3D {
  return differentiable<tf.Tensor3D>(
    { x },
    () => kernel.splitWindows(x, sizes),
    (dy) => ({ x: () => kernel.joinWindows(dy, sizes) }),
  );
}

/**
 * Undoes {@linkcode splitWindows}; what is beyond the maps is dropped.
 *
 * @param windows [B·R·S, window², C]
 * @returns [B, H, W, C]; the caller owns it.
 */
export function joinWindows(windows: tf.Tensor3D, sizes: WindowSizes): tf.Tensor4D {
  return differentiable<tf.Tensor4D>(
    { windows },
    () => kernel.joinWindows(windows, sizes),
    (dy) => ({ windows: () => kernel.splitWindows(dy, sizes) }),
  );
}
