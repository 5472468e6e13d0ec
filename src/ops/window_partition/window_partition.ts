/**
 * Maps as square windows, the tokens of shifted-window attention.
 *
 * Source: Liu et al., "Swin Transformer" (ICCV 2021), https://arxiv.org/abs/2103.14030,
 * section 3.2.
 *
 * @module
 */
import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import partitionShader from "./partition.wgsl" with { type: "text" };
import {
  WINDOW_UNIFORMS,
  windowPartitionReference,
  windowReverseReference,
  type WindowSizes,
} from "./reference.ts";
import reverseShader from "./reverse.wgsl" with { type: "text" };

export type { WindowSizes } from "./reference.ts";

const PARTITION = defineKernel({
  name: "windowPartition",
  uniforms: WINDOW_UNIFORMS,
  inputs: { x: "f32" },
  outputs: { windows: "f32" },
  shader: partitionShader,
  reference: windowPartitionReference,
});

const REVERSE = defineKernel({
  name: "windowReverse",
  uniforms: WINDOW_UNIFORMS,
  inputs: { windows: "f32" },
  outputs: { x: "f32" },
  shader: reverseShader,
  reference: windowReverseReference,
});

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
export function windowPartition(x: tf.Tensor4D, sizes: WindowSizes): tf.Tensor3D {
  return tf.differentiable<tf.Tensor3D>(
    { x },
    () => partition(x, sizes),
    (dy) => ({ x: () => reverse(dy, sizes) }),
  );
}

/**
 * Undoes {@linkcode windowPartition}; what is beyond the maps is dropped.
 *
 * @param windows [B·R·S, window², C]
 * @returns [B, H, W, C]; the caller owns it.
 */
export function windowReverse(windows: tf.Tensor3D, sizes: WindowSizes): tf.Tensor4D {
  return tf.differentiable<tf.Tensor4D>(
    { windows },
    () => reverse(windows, sizes),
    (dy) => ({ windows: () => partition(dy, sizes) }),
  );
}

function partition(x: tf.Tensor, sizes: WindowSizes): tf.Tensor {
  const { window, channels, rows, columns } = sizes;
  const windows = [(x.shape[0] ?? 0) * rows * columns, window ** 2, channels];
  return launch(PARTITION, { uniforms: sizes, inputs: { x }, outputs: { windows } })
    .windows;
}

function reverse(windows: tf.Tensor, sizes: WindowSizes): tf.Tensor {
  const { height, width, channels, rows, columns } = sizes;
  const x = [(windows.shape[0] ?? 0) / (rows * columns), height, width, channels];
  return launch(REVERSE, { uniforms: sizes, inputs: { windows }, outputs: { x } }).x;
}
