/** Average pool of NHWC maps, plain or adaptive. @module */
import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import mapElement from "../map_element.wgsl" with { type: "text" };
import { mapSizes } from "../map_sizes.ts";
import forwardShader from "./average_forward.wgsl" with { type: "text" };
import gradientShader from "./average_gradient.wgsl" with { type: "text" };
import {
  AVERAGE_POOL_UNIFORMS,
  averagePoolGradientReference,
  averagePoolReference,
} from "./reference.ts";
import { averagePoolByWasm, averagePoolGradientByWasm } from "./wasm.ts";
import windows from "./windows.wgsl" with { type: "text" };

const FORWARD = defineKernel({
  name: "averagePool",
  uniforms: AVERAGE_POOL_UNIFORMS,
  inputs: { x: "f32" },
  outputs: { y: "f32" },
  shader: mapElement + forwardShader,
  wasm: averagePoolByWasm,
  reference: averagePoolReference,
});

const GRADIENT = defineKernel({
  name: "averagePoolGradient",
  uniforms: AVERAGE_POOL_UNIFORMS,
  inputs: { dy: "f32" },
  outputs: { dx: "f32" },
  shader: mapElement + windows + gradientShader,
  wasm: averagePoolGradientByWasm,
  reference: averagePoolGradientReference,
});

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
  size: readonly [number, number],
  window: number,
  stride: number,
): tf.Tensor4D {
  const uniforms = { ...mapSizes(x, size), window, stride };
  const y = [x.shape[0], ...size, x.shape[3]];
  return tf.differentiable<tf.Tensor4D>(
    { x },
    () => launch(FORWARD, { uniforms, inputs: { x }, outputs: { y } }).y,
    (dy) => ({
      x: () => {
        const inputs = { dy };
        return launch(GRADIENT, { uniforms, inputs, outputs: { dx: x.shape } }).dx;
      },
    }),
  );
}
