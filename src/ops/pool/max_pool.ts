/** Max pool of NHWC maps. @module */
import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import mapElement from "../map_element.wgsl" with { type: "text" };
import { mapSizes } from "../map_sizes.ts";
import forwardShader from "./max_forward.wgsl" with { type: "text" };
import gradientShader from "./max_gradient.wgsl" with { type: "text" };
import {
  MAX_POOL_UNIFORMS,
  maxPoolGradientReference,
  maxPoolReference,
} from "./reference.ts";
import { maxPoolByWasm, maxPoolGradientByWasm } from "./wasm.ts";
import windows from "./windows.wgsl" with { type: "text" };

const FORWARD = defineKernel({
  name: "maxPool",
  uniforms: MAX_POOL_UNIFORMS,
  inputs: { x: "f32" },
  outputs: { y: "f32", indices: "i32" },
  shader: mapElement + forwardShader,
  wasm: maxPoolByWasm,
  reference: maxPoolReference,
});

const GRADIENT = defineKernel({
  name: "maxPoolGradient",
  uniforms: MAX_POOL_UNIFORMS,
  inputs: { dy: "f32", indices: "i32" },
  outputs: { dx: "f32" },
  shader: mapElement + windows + gradientShader,
  wasm: maxPoolGradientByWasm,
  reference: maxPoolGradientReference,
});

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
  const [, height, width] = x.shape;
  const outputs = (side: number) => {
    const steps = (side + 2 * padding - window) / stride;
    const count = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    // A window that starts beyond the map would see padding only.
    return ceil && (count - 1) * stride >= side + padding ? count - 1 : count;
  };
  const size = [outputs(height), outputs(width)] as const;
  if (Math.min(...size) < 1 || 2 * padding > window) {
    throw new RangeError(
      `Cannot pool maps of ${height}×${width} with "window" ${window} and "padding" ` +
        `${padding}: the window must fit and the padding be at most half of it`,
    );
  }
  const uniforms = { ...mapSizes(x, size), window, stride, padding };
  const y = [x.shape[0], ...size, x.shape[3]];
  const dx = x.shape;
  return tf.differentiable<tf.Tensor4D>(
    { x },
    (save) => {
      const outputs = { y, indices: y };
      const maxima = launch(FORWARD, { uniforms, inputs: { x }, outputs });
      save([maxima.indices]);
      return maxima.y;
    },
    (dy, saved) => ({
      x: () => {
        const [indices] = saved as [tf.Tensor];
        const inputs = { dy, indices };
        return launch(GRADIENT, { uniforms, inputs, outputs: { dx } }).dx;
      },
    }),
  );
}
