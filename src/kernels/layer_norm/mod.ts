/** Layer norm over the last axis and its gradients. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launch, launchOne } from "../kernel.ts";
import forwardShader from "./forward.wgsl" with { type: "text" };
import inputGradientShader from "./input_gradient.wgsl" with { type: "text" };
import scaleGradientShader from "./scale_gradient.wgsl" with { type: "text" };
import {
  layerNormInputGradientReference,
  layerNormReference,
  layerNormScaleGradientReference,
} from "./reference.ts";

const FORWARD: Kernel<"rows" | "columns" | "epsilon"> = {
  name: "layerNorm",
  shader: forwardShader,
  uniforms: { rows: "u32", columns: "u32", epsilon: "f32" },
  twin: ({ columns, epsilon }, inputs, outputs) =>
    layerNormReference(
      inputs as readonly [Cells, Cells, Cells],
      outputs as readonly [Cells, Cells],
      columns,
      epsilon,
    ),
};

const INPUT_GRADIENT: Kernel<"rows" | "columns"> = {
  name: "layerNormInputGradient",
  shader: inputGradientShader,
  uniforms: { rows: "u32", columns: "u32" },
  twin: ({ columns }, inputs, outputs) =>
    layerNormInputGradientReference(
      inputs as readonly [Cells, Cells, Cells, Cells],
      ...outputs as readonly [Cells],
      columns,
    ),
};

const SCALE_GRADIENT: Kernel<"rows" | "columns"> = {
  name: "layerNormScaleGradient",
  shader: scaleGradientShader,
  uniforms: { rows: "u32", columns: "u32" },
  twin: ({ columns }, inputs, outputs) =>
    layerNormScaleGradientReference(
      inputs as readonly [Cells, Cells, Cells],
      ...outputs as readonly [Cells],
      columns,
    ),
};

/** @returns y like x, and [R, 2] with each row's mean and 1/√(variance + ε). */
export function layerNorm(
  x: tf.Tensor,
  scale: tf.Tensor,
  shift: tf.Tensor,
  epsilon: number,
): [tf.Tensor, tf.Tensor] {
  const { rows, columns } = sizes(x);
  return launch(FORWARD, {
    uniforms: { rows, columns, epsilon },
    inputs: [x, scale, shift],
    outputs: [{ shape: x.shape }, { shape: [rows, 2] }],
    invocations: rows,
  }) as [tf.Tensor, tf.Tensor];
}

/** @returns d(loss)/dx, like x. */
export function layerNormInputGradient(
  x: tf.Tensor,
  scale: tf.Tensor,
  moments: tf.Tensor,
  dy: tf.Tensor,
): tf.Tensor {
  const uniforms = sizes(x);
  return launchOne(INPUT_GRADIENT, {
    uniforms,
    inputs: [x, scale, moments, dy],
    outputs: [{ shape: x.shape }],
    invocations: uniforms.rows,
  });
}

/** @returns d(loss)/d(scale). [C] */
export function layerNormScaleGradient(
  x: tf.Tensor,
  moments: tf.Tensor,
  dy: tf.Tensor,
): tf.Tensor {
  const uniforms = sizes(x);
  return launchOne(SCALE_GRADIENT, {
    uniforms,
    inputs: [x, moments, dy],
    outputs: [{ shape: [uniforms.columns] }],
    invocations: uniforms.columns,
  });
}

function sizes(x: tf.Tensor): { rows: number; columns: number } {
  const columns = x.shape[x.rank - 1] ?? 1;
  return { rows: x.size / columns, columns };
}
