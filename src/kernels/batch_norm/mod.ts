/** The parts of batch norm over the rows of a matrix [R, C]. @module */
import type * as tf from "../../core/tf.ts";
import { type Cells, type Kernel, launch, launchOne } from "../kernel.ts";
import inputGradientShader from "./input_gradient.wgsl" with { type: "text" };
import momentsShader from "./moments.wgsl" with { type: "text" };
import normaliseShader from "./normalise.wgsl" with { type: "text" };
import scaleGradientShader from "./scale_gradient.wgsl" with { type: "text" };
import {
  batchNormInputGradientReference,
  batchNormScaleGradientReference,
  momentsReference,
  normaliseReference,
} from "./reference.ts";

const MOMENTS: Kernel<"rows" | "columns"> = {
  name: "batchNormMoments",
  shader: momentsShader,
  uniforms: { rows: "u32", columns: "u32" },
  twin(_, inputs, outputs) {
    const [x] = inputs as [Cells];
    const [mean, variance] = outputs as [Cells, Cells];
    momentsReference(x, mean, variance);
  },
};

const NORMALISE: Kernel<"count" | "columns" | "epsilon"> = {
  name: "batchNormNormalise",
  shader: normaliseShader,
  uniforms: { count: "u32", columns: "u32", epsilon: "f32" },
  twin({ epsilon }, inputs, outputs) {
    const [y] = outputs as [Cells];
    normaliseReference(inputs as [Cells, Cells, Cells, Cells, Cells], y, epsilon);
  },
};

const SCALE_GRADIENT: Kernel<"rows" | "columns" | "epsilon"> = {
  name: "batchNormScaleGradient",
  shader: scaleGradientShader,
  uniforms: { rows: "u32", columns: "u32", epsilon: "f32" },
  twin({ epsilon }, inputs, outputs) {
    batchNormScaleGradientReference(
      inputs as [Cells, Cells, Cells, Cells],
      outputs as [Cells, Cells],
      epsilon,
    );
  },
};

const INPUT_GRADIENT: Kernel<"count" | "columns" | "epsilon"> = {
  name: "batchNormInputGradient",
  shader: inputGradientShader,
  uniforms: { count: "u32", columns: "u32", epsilon: "f32" },
  twin({ epsilon }, inputs, outputs) {
    const [dx] = outputs as [Cells];
    batchNormInputGradientReference(inputs, dx, epsilon);
  },
};

/** Mean and biased variance per channel. */
export interface Moments {
  /** [C] */
  readonly mean: tf.Tensor;
  /** [C] */
  readonly variance: tf.Tensor;
}

/** @returns Mean and biased variance over all axes but the last. */
export function moments(x: tf.Tensor): Moments {
  const columns = columnsOf(x);
  const [mean, variance] = launch(MOMENTS, {
    uniforms: { rows: x.size / columns, columns },
    inputs: [x],
    outputs: [{ shape: [columns] }, { shape: [columns] }],
    invocations: columns,
  }) as [tf.Tensor, tf.Tensor];
  return { mean, variance };
}

/** @returns (x − mean) / √(variance + ε) · scale + shift, like x. */
export function normalise(
  x: tf.Tensor,
  { mean, variance }: Moments,
  scale: tf.Tensor,
  shift: tf.Tensor,
  epsilon: number,
): tf.Tensor {
  return launchOne(NORMALISE, {
    uniforms: { count: x.size, columns: columnsOf(x), epsilon },
    inputs: [x, mean, variance, scale, shift],
    outputs: [{ shape: x.shape }],
    invocations: x.size,
  });
}

/** @returns d(loss)/d(scale) and d(loss)/d(shift). [C] each */
export function scaleGradient(
  x: tf.Tensor,
  { mean, variance }: Moments,
  dy: tf.Tensor,
  epsilon: number,
): [tf.Tensor, tf.Tensor] {
  const columns = columnsOf(x);
  return launch(SCALE_GRADIENT, {
    uniforms: { rows: x.size / columns, columns, epsilon },
    inputs: [x, mean, variance, dy],
    outputs: [{ shape: [columns] }, { shape: [columns] }],
    invocations: columns,
  }) as [tf.Tensor, tf.Tensor];
}

/** @returns d(loss)/dx where the moments were those of x itself, like x. */
export function inputGradient(
  x: tf.Tensor,
  { mean, variance }: Moments,
  scale: tf.Tensor,
  dy: tf.Tensor,
  [dscale, dshift]: readonly [tf.Tensor, tf.Tensor],
  epsilon: number,
): tf.Tensor {
  return launchOne(INPUT_GRADIENT, {
    uniforms: { count: x.size, columns: columnsOf(x), epsilon },
    inputs: [x, mean, variance, scale, dy, dscale, dshift],
    outputs: [{ shape: x.shape }],
    invocations: x.size,
  });
}

function columnsOf(x: tf.Tensor): number {
  return x.shape[x.rank - 1] ?? 1;
}
