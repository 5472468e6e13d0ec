import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import { sharesBatchStatistics } from "../../core/ranks.ts";
import { gatherOverRanks, meansOverRanks } from "../across_ranks.ts";
import { channelsOf } from "../map_sizes.ts";
import { noGrad } from "../no_grad.ts";
import blockSum from "../sums/block_sum.wgsl" with { type: "text" };
import inputGradientShader from "./input_gradient.wgsl" with { type: "text" };
import momentsShader from "./moments.wgsl" with { type: "text" };
import normalizeShader from "./normalize.wgsl" with { type: "text" };
import { normalizeByNative } from "./native.ts";
import {
  batchNormInputGradientReference,
  batchNormScaleGradientReference,
  momentsReference,
  normalizeReference,
} from "./reference.ts";
import scaleGradientShader from "./scale_gradient.wgsl" with { type: "text" };
import {
  batchNormInputGradientByWasm,
  batchNormScaleGradientByWasm,
  momentsByWasm,
  normalizeByWasm,
} from "./wasm.ts";

const MOMENTS = defineKernel({
  name: "batchNormMoments",
  uniforms: { rows: "u32", columns: "u32" },
  inputs: { x: "f32" },
  outputs: { mean: "f32", variance: "f32" },
  shader: blockSum + momentsShader,
  wasm: momentsByWasm,
  reference: momentsReference,
});

const NORMALIZE = defineKernel({
  name: "batchNormNormalize",
  uniforms: { columns: "u32", epsilon: "f32" },
  inputs: { x: "f32", mean: "f32", variance: "f32", scale: "f32", shift: "f32" },
  outputs: { y: "f32" },
  shader: normalizeShader,
  native: normalizeByNative,
  wasm: normalizeByWasm,
  reference: normalizeReference,
});

const SCALE_GRADIENT = defineKernel({
  name: "batchNormScaleGradient",
  uniforms: { rows: "u32", columns: "u32", epsilon: "f32" },
  inputs: { x: "f32", mean: "f32", variance: "f32", dy: "f32" },
  outputs: { dscale: "f32", dshift: "f32" },
  shader: blockSum + scaleGradientShader,
  wasm: batchNormScaleGradientByWasm,
  reference: batchNormScaleGradientReference,
});

const INPUT_GRADIENT = defineKernel({
  name: "batchNormInputGradient",
  uniforms: { columns: "u32", epsilon: "f32" },
  inputs: {
    x: "f32",
    mean: "f32",
    variance: "f32",
    scale: "f32",
    dy: "f32",
    dscale: "f32",
    dshift: "f32",
  },
  outputs: { dx: "f32" },
  shader: inputGradientShader,
  wasm: batchNormInputGradientByWasm,
  reference: batchNormInputGradientReference,
});

/** Weight, bias and ε of a normalization. */
export interface Affine {
  /** Weight. [C] */
  readonly scale: tf.Tensor;
  /** Bias. [C] */
  readonly shift: tf.Tensor;
  /** ε, added to the variance. */
  readonly epsilon: number;
}

/** Mean and biased variance per channel. */
export interface Moments {
  /** [C] */
  readonly mean: tf.Tensor;
  /** [C] */
  readonly variance: tf.Tensor;
}

/**
 * Mean and biased variance of x over all axes but the last, and over the ranks that share
 * them. No gradient: that of {@linkcode batchNorm} accounts for them.
 */
export function batchMoments(x: tf.Tensor): Moments {
  const columns = channelsOf(x);
  const moments = launch(MOMENTS, {
    uniforms: { rows: x.size / columns, columns },
    inputs: { x },
    outputs: { mean: [columns], variance: [columns] },
  });
  return sharesBatchStatistics() ? joinMoments(moments) : moments;
}

// Of equally many values each: the variance is the mean of the variances and that of the
// means.
function joinMoments(moments: Moments): Moments {
  return noGrad(() => {
    const ofRanks = gatherOverRanks(tf.stack([moments.mean, moments.variance])); // [N, 2, C]
    const [means, variances] = tf.unstack(ofRanks, 1) as [tf.Tensor, tf.Tensor]; // [N, C]
    tf.dispose([moments.mean, moments.variance]);
    const mean = tf.mean(means, 0);
    const spread = tf.mean(tf.square(tf.sub(means, mean)), 0);
    return { mean, variance: tf.add(tf.mean(variances, 0), spread) };
  });
}

/**
 * Batch norm with the moments of the batch itself.
 *
 * y = (x − mean) / √(variance + ε) · scale + shift over all axes but the last, the
 * variance being biased. Where ranks share statistics, the batch is that of all.
 *
 * Source: Ioffe and Szegedy, "Batch Normalization" (ICML 2015),
 * https://arxiv.org/abs/1502.03167.
 *
 * @param x Any shape ending in C.
 * @param moments Those of x, see {@linkcode batchMoments}; taken as a function of x by
 * the gradient.
 * @returns Like x; the caller owns it.
 */
export function batchNorm<T extends tf.Tensor>(
  x: T,
  affine: Affine,
  moments: Moments,
): T {
  return normalize(
    x,
    affine,
    moments,
    (dy, x, { scale, epsilon }, moments, scaleGradient) => {
      const own = [scaleGradient.dscale, scaleGradient.dshift];
      const [dscale, dshift] = sharesBatchStatistics() ? meansOverRanks(own) : own;
      return launch(INPUT_GRADIENT, {
        uniforms: { columns: channelsOf(x), epsilon },
        inputs: {
          ...{ x, ...moments, scale, dy },
          dscale: dscale as tf.Tensor,
          dshift: dshift as tf.Tensor,
        },
        outputs: { dx: x.shape },
      }).dx;
    },
  );
}

/**
 * Batch norm with given moments, as in evaluation.
 *
 * @returns Like x; the caller owns it.
 */
export function frozenBatchNorm<T extends tf.Tensor>(
  x: T,
  affine: Affine,
  moments: Moments,
): T {
  return normalize(
    x,
    affine,
    moments,
    (dy, _x, { scale, epsilon }, { variance }) =>
      tf.mul(dy, tf.div(scale, tf.sqrt(tf.add(variance, epsilon)))),
  );
}

// The two differ only in whether the moments move with x.
function normalize<T extends tf.Tensor>(
  x: T,
  { scale, shift, epsilon }: Affine,
  { mean, variance }: Moments,
  inputGradient: (
    dy: tf.Tensor,
    x: tf.Tensor,
    affine: Omit<Affine, "shift">,
    moments: Moments,
    scaleGradient: ScaleGradient,
  ) => tf.Tensor,
): T {
  return tf.differentiable<T>(
    { x, scale, shift },
    (save) => {
      save([x, scale, mean, variance]);
      return launch(NORMALIZE, {
        uniforms: { columns: channelsOf(x), epsilon },
        inputs: { x, mean, variance, scale, shift },
        outputs: { y: x.shape },
      }).y;
    },
    (dy, saved) => {
      const [x, scale, mean, variance] = saved as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      const moments = { mean, variance };
      const sums = scaleGradient(x, moments, dy, epsilon);
      return {
        x: () => inputGradient(dy, x, { scale, epsilon }, moments, sums),
        scale: () => sums.dscale,
        shift: () => sums.dshift,
      };
    },
  );
}

// d(loss)/d(scale) and d(loss)/d(shift). [C] each
type ScaleGradient = Readonly<Record<"dscale" | "dshift", tf.Tensor>>;

function scaleGradient(
  x: tf.Tensor,
  moments: Moments,
  dy: tf.Tensor,
  epsilon: number,
): ScaleGradient {
  const columns = channelsOf(x);
  return launch(SCALE_GRADIENT, {
    uniforms: { rows: x.size / columns, columns, epsilon },
    inputs: { x, ...moments, dy },
    outputs: { dscale: [columns], dshift: [columns] },
  });
}
