import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import { channelsOf } from "../map_sizes.ts";
import blockSum from "../sums/block_sum.wgsl" with { type: "text" };
import { columnSum } from "../sums/sums.ts";
import forwardShader from "./forward.wgsl" with { type: "text" };
import inputGradientShader from "./input_gradient.wgsl" with { type: "text" };
import { layerNormByNative, layerNormGradientsByNative } from "./native.ts";
import { layerNormGradientsReference, layerNormReference } from "./reference.ts";
import scaleGradientShader from "./scale_gradient.wgsl" with { type: "text" };
import { layerNormByWasm, layerNormGradientsByWasm } from "./wasm.ts";

const FORWARD = defineKernel({
  name: "layerNorm",
  uniforms: { columns: "u32", epsilon: "f32" },
  inputs: { x: "f32", scale: "f32", shift: "f32" },
  outputs: { y: "f32", moments: "f32" },
  shader: forwardShader,
  native: layerNormByNative,
  wasm: layerNormByWasm,
  reference: layerNormReference,
});

const INPUT_GRADIENT = defineKernel({
  name: "layerNormInputGradient",
  uniforms: { columns: "u32" },
  inputs: { x: "f32", scale: "f32", moments: "f32", dy: "f32" },
  outputs: { dx: "f32" },
  shader: inputGradientShader,
});

const SCALE_GRADIENT = defineKernel({
  name: "layerNormScaleGradient",
  uniforms: { rows: "u32", columns: "u32" },
  inputs: { x: "f32", moments: "f32", dy: "f32" },
  outputs: { dscale: "f32" },
  shader: blockSum + scaleGradientShader,
});

// On a CPU one pass over the rows gives all gradients.
const GRADIENTS_ON_HOST = defineKernel({
  name: "layerNormGradients",
  uniforms: { columns: "u32" },
  inputs: { x: "f32", scale: "f32", moments: "f32", dy: "f32" },
  outputs: { dx: "f32", dscale: "f32", dshift: "f32" },
  native: layerNormGradientsByNative,
  wasm: layerNormGradientsByWasm,
  reference: layerNormGradientsReference,
});

/**
 * Layer norm over the last axis, with its gradients.
 *
 * y = (x − mean) / √(variance + ε) · scale + shift, the variance being biased.
 *
 * Source: Ba, Kiros and Hinton, "Layer Normalization", 2016,
 * https://arxiv.org/abs/1607.06450.
 *
 * @param x Any shape ending in C.
 * @param scale Weight. [C]
 * @param shift Bias. [C]
 * @returns Like x; the caller owns it.
 */
export function layerNorm<T extends tf.Tensor>(
  x: T,
  scale: tf.Tensor,
  shift: tf.Tensor,
  epsilon: number,
): T {
  const columns = channelsOf(x);
  const rows = x.size / columns;
  return tf.differentiable<T>(
    { x, scale, shift },
    (save) => {
      const { y, moments } = launch(FORWARD, {
        uniforms: { columns, epsilon },
        inputs: { x, scale, shift },
        outputs: { y: x.shape, moments: [rows, 2] },
        invocations: rows,
      });
      save([x, scale, moments]);
      return y;
    },
    (dy, saved) => {
      const [x, scale, moments] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      if (tf.getBackend() !== "webgpu") {
        const { dx, dscale, dshift } = launch(GRADIENTS_ON_HOST, {
          uniforms: { columns },
          inputs: { x, scale, moments, dy },
          outputs: { dx: x.shape, dscale: [columns], dshift: [columns] },
        });
        return { x: () => dx, scale: () => dscale, shift: () => dshift };
      }
      return {
        x: () =>
          launch(INPUT_GRADIENT, {
            uniforms: { columns },
            inputs: { x, scale, moments, dy },
            outputs: { dx: x.shape },
            invocations: rows,
          }).dx,
        scale: () =>
          launch(SCALE_GRADIENT, {
            uniforms: { rows, columns },
            inputs: { x, moments, dy },
            outputs: { dscale: [columns] },
          }).dscale,
        shift: () => columnSum(dy),
      };
    },
  );
}
