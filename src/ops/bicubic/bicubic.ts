/** Bicubic resize with a gradient, for tables of positions. @module */
import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import { matMul } from "../mat_mul/mat_mul.ts";
import { noGrad } from "../no_grad.ts";
import { BICUBIC_UNIFORMS, bicubicWeightsReference } from "./reference.ts";
import weightsShader from "./weights.wgsl" with { type: "text" };

const WEIGHTS = defineKernel({
  name: "bicubicWeights",
  uniforms: BICUBIC_UNIFORMS,
  inputs: {},
  outputs: { weights: "f32" },
  shader: weightsShader,
  reference: bicubicWeightsReference,
});

/** Which convention a bicubic resize follows. */
export interface BicubicOptions {
  /**
   * Added to the new sides, in pixels, where the ratio of the sides is computed, unless no
   * side changes; PyTorch does so where it is given scale factors of (side + offset) / side.
   * @default {0}
   */
  readonly offset?: number;
  /**
   * Whether smaller results average over more pixels, and Keys' kernel has Pillow's
   * parameter.
   * @default {false}
   */
  readonly antialias?: boolean;
}

/**
 * Bicubic resize with half-pixel centers, as PyTorch's `interpolate(mode="bicubic")`.
 *
 * A product with a matrix of weights along each axis, so it is for small maps.
 *
 * @param x [H, W, C]
 * @param size Height and width of the result, in pixels.
 * @returns [height, width, C]; the caller owns it.
 */
export function resizeBicubic(
  x: tf.Tensor3D,
  [height, width]: readonly [number, number],
  { offset = 0, antialias = false }: BicubicOptions = {},
): tf.Tensor3D {
  const [H, W, C] = x.shape;
  const options = { offset, antialias: Number(antialias) };
  const weightsOf = (inputs: number, outputs: number, across: readonly number[]) =>
    noGrad(() => {
      const [acrossInputs = 0, acrossOutputs = 0] = across;
      const uniforms = { inputs, outputs, acrossInputs, acrossOutputs, ...options };
      const shapes = { weights: [outputs, inputs] };
      return launch(WEIGHTS, { uniforms, inputs: {}, outputs: shapes })
        .weights as tf.Tensor2D;
    });
  return tf.tidy(() => {
    const down = weightsOf(H, height, [W, width]); // [height, H]
    const rows = matMul(down, tf.reshape<tf.Rank.R2>(x, [H, W * C])); // [height, W·C]
    const columns = tf.transpose(tf.reshape(rows, [height, W, C]), [1, 0, 2]);
    const across = weightsOf(W, width, [H, height]); // [width, W]
    const flat = tf.reshape<tf.Rank.R2>(columns, [W, height * C]);
    const resized = matMul(across, flat); // [width, height·C]
    return tf.transpose(tf.reshape<tf.Rank.R3>(resized, [width, height, C]), [1, 0, 2]);
  });
}
