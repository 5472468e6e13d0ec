/** Resizing NHWC maps, bilinear and nearest. @module */
import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import {
  BILINEAR_UNIFORMS,
  type BilinearOptions,
  bilinearSizes,
} from "../bilinear/bilinear.ts";
import mapElement from "../map_element.wgsl" with { type: "text" };
import { MAP_UNIFORMS, mapSizes } from "../map_sizes.ts";
import bilinearForwardShader from "./bilinear_forward.wgsl" with { type: "text" };
import bilinearGradientShader from "./bilinear_gradient.wgsl" with { type: "text" };
import bilinearSource from "./bilinear_source.wgsl" with { type: "text" };
import nearestForwardShader from "./nearest_forward.wgsl" with { type: "text" };
import nearestGradientShader from "./nearest_gradient.wgsl" with { type: "text" };
import {
  resizeBilinearGradientReference,
  resizeBilinearReference,
  resizeNearestGradientReference,
  resizeNearestReference,
} from "./reference.ts";
import {
  resizeBilinearByWasm,
  resizeBilinearGradientByWasm,
  resizeNearestByWasm,
  resizeNearestGradientByWasm,
} from "./wasm.ts";

export type { BilinearOptions } from "../bilinear/bilinear.ts";

const BILINEAR = defineKernel({
  name: "resizeBilinear",
  uniforms: BILINEAR_UNIFORMS,
  inputs: { x: "f32" },
  outputs: { y: "f32" },
  shader: mapElement + bilinearSource + bilinearForwardShader,
  wasm: resizeBilinearByWasm,
  reference: resizeBilinearReference,
});

const BILINEAR_GRADIENT = defineKernel({
  name: "resizeBilinearGradient",
  uniforms: BILINEAR_UNIFORMS,
  inputs: { dy: "f32" },
  outputs: { dx: "f32" },
  shader: mapElement + bilinearSource + bilinearGradientShader,
  wasm: resizeBilinearGradientByWasm,
  reference: resizeBilinearGradientReference,
});

/**
 * Bilinear resize without antialiasing, as PyTorch's `interpolate`.
 *
 * By default half-pixel centers (`align_corners=False`): source = max((target + ½) ·
 * in / out − ½, 0). tfjs's gradient of this mode is silently wrong; this one is exact.
 *
 * @param x [B, H, W, C]
 * @param size Height and width of the result, in pixels.
 * @returns [B, height, width, C]; the caller owns it.
 */
export function resizeBilinear(
  x: tf.Tensor4D,
  size: readonly [number, number],
  options: BilinearOptions = {},
): tf.Tensor4D {
  const sizes = bilinearSizes(x, size, options);
  const [B, H, W, C] = x.shape;
  if (H === size[0] && W === size[1]) return tf.clone(x);
  return tf.differentiable<tf.Tensor4D>(
    { x },
    () =>
      launch(BILINEAR, {
        uniforms: sizes,
        inputs: { x },
        outputs: { y: [B, ...size, C] },
      }).y,
    (dy) => ({
      x: () =>
        launch(BILINEAR_GRADIENT, {
          uniforms: sizes,
          inputs: { dy },
          outputs: { dx: x.shape },
        }).dx,
    }),
  );
}

const NEAREST = defineKernel({
  name: "resizeNearest",
  uniforms: MAP_UNIFORMS,
  inputs: { x: "f32" },
  outputs: { y: "f32" },
  shader: mapElement + nearestForwardShader,
  wasm: resizeNearestByWasm,
  reference: resizeNearestReference,
});

const NEAREST_GRADIENT = defineKernel({
  name: "resizeNearestGradient",
  uniforms: MAP_UNIFORMS,
  inputs: { dy: "f32" },
  outputs: { dx: "f32" },
  shader: mapElement + nearestGradientShader,
  wasm: resizeNearestGradientByWasm,
  reference: resizeNearestGradientReference,
});

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
  size: readonly [number, number],
): tf.Tensor4D {
  const uniforms = mapSizes(x, size);
  const y = [x.shape[0], ...size, x.shape[3]];
  return tf.differentiable<tf.Tensor4D>(
    { x },
    () => launch(NEAREST, { uniforms, inputs: { x }, outputs: { y } }).y,
    (dy) => ({
      x: () => {
        const inputs = { dy };
        return launch(NEAREST_GRADIENT, { uniforms, inputs, outputs: { dx: x.shape } })
          .dx;
      },
    }),
  );
}
