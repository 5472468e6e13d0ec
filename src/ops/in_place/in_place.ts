/**
 * Updates that write into existing tensors: optimizer steps and moving averages.
 *
 * They change the tensor they are given and everything that shares its memory, so run
 * them only when no gradient is still to be computed from the old values.
 *
 * @module
 */
import type * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launchMultiTensor, multiTensorKernel } from "../../gpu/multi_tensor.ts";
import adamwShader from "./adamw.wgsl" with { type: "text" };
import adamwFuturesShader from "./adamw_futures.wgsl" with { type: "text" };
import lerpShader from "./lerp.wgsl" with { type: "text" };
import {
  adamwFuturesReference,
  type AdamWFuturesScalars,
  adamwReference,
  type AdamWScalars,
  lerpReference,
  sgdFuturesReference,
  type SgdFuturesScalars,
  sgdReference,
  type SgdScalars,
} from "./reference.ts";
import sgdShader from "./sgd.wgsl" with { type: "text" };
import sgdFuturesShader from "./sgd_futures.wgsl" with { type: "text" };
import {
  adamwByWasm,
  adamwFuturesByWasm,
  lerpByWasm,
  sgdByWasm,
  sgdFuturesByWasm,
} from "./wasm.ts";

export type {
  AdamWFuturesScalars,
  AdamWScalars,
  SgdFuturesScalars,
  SgdScalars,
} from "./reference.ts";

const ADAMW = multiTensorKernel(
  defineKernel({
    name: "adamw",
    uniforms: {
      weightDecayStep: "f32",
      beta1: "f32",
      beta2: "f32",
      oneMinusBeta1: "f32",
      oneMinusBeta2: "f32",
      stepSize: "f32",
      biasCorrection: "f32",
      epsilon: "f32",
    },
    inputs: { g: "f32" },
    outputs: { p: "f32", m: "f32", v: "f32" },
    shader: adamwShader,
    wasm: adamwByWasm,
    reference: adamwReference,
  }),
  [4, 2],
  ["weightDecayStep", "stepSize"],
);

/** One parameter's AdamW step. */
export interface AdamWUpdate extends Pick<AdamWScalars, "weightDecayStep" | "stepSize"> {
  readonly gradient: tf.Tensor;
  readonly parameter: tf.Tensor;
  readonly moments: readonly [first: tf.Tensor, second: tf.Tensor];
}

/** {@linkcode adamw} for every update, several tensors at a time where the device can. */
export function multiTensorAdamW(
  updates: readonly AdamWUpdate[],
  shared: Omit<AdamWScalars, "weightDecayStep" | "stepSize">,
): void {
  launchMultiTensor(
    ADAMW,
    updates.map((
      { gradient, parameter, moments: [m, v], weightDecayStep, stepSize },
    ) => ({
      uniforms: { weightDecayStep, stepSize },
      inputs: { g: gradient },
      outputs: { p: parameter, m, v },
    })),
    shared,
  );
}

/** Updates a parameter and its two moments; see {@linkcode AdamWScalars}. */
export function adamw(
  gradient: tf.Tensor,
  parameter: tf.Tensor,
  moments: readonly [tf.Tensor, tf.Tensor],
  { weightDecayStep, stepSize, ...shared }: AdamWScalars,
): void {
  multiTensorAdamW([{ gradient, parameter, moments, weightDecayStep, stepSize }], shared);
}

const SGD = multiTensorKernel(
  defineKernel({
    name: "sgd",
    uniforms: { learningRate: "f32", momentum: "f32", weightDecay: "f32" },
    inputs: { g: "f32" },
    outputs: { p: "f32", b: "f32" },
    shader: sgdShader,
    wasm: sgdByWasm,
    reference: sgdReference,
  }),
  [4, 2],
  ["learningRate", "weightDecay"],
);

/** One parameter's step of gradient descent. */
export interface SgdUpdate extends Pick<SgdScalars, "learningRate" | "weightDecay"> {
  readonly gradient: tf.Tensor;
  readonly parameter: tf.Tensor;
  /** Its momentum buffer, which starts at zero. */
  readonly momentumBuffer: tf.Tensor;
}

/** {@linkcode sgd} for every update, several tensors at a time where the device can. */
export function multiTensorSgd(updates: readonly SgdUpdate[], momentum: number): void {
  launchMultiTensor(
    SGD,
    updates.map((
      { gradient, parameter, momentumBuffer, learningRate, weightDecay },
    ) => ({
      uniforms: { learningRate, weightDecay },
      inputs: { g: gradient },
      outputs: { p: parameter, b: momentumBuffer },
    })),
    { momentum },
  );
}

/** Updates a parameter and its momentum buffer; see {@linkcode SgdScalars}. */
export function sgd(
  gradient: tf.Tensor,
  parameter: tf.Tensor,
  momentumBuffer: tf.Tensor,
  { momentum, ...rates }: SgdScalars,
): void {
  multiTensorSgd([{ gradient, parameter, momentumBuffer, ...rates }], momentum);
}

const LERP = multiTensorKernel(
  defineKernel({
    name: "lerp",
    uniforms: { decay: "f32", oneMinusDecay: "f32" },
    inputs: { source: "f32" },
    outputs: { average: "f32" },
    shader: lerpShader,
    wasm: lerpByWasm,
    reference: lerpReference,
  }),
  [8, 4],
  [],
);

/** A moving average and what enters it. */
export interface LerpPair {
  readonly target: tf.Tensor;
  readonly source: tf.Tensor;
}

/** {@linkcode lerp} for every pair, several tensors at a time where the device can. */
export function multiTensorLerp(pairs: readonly LerpPair[], decay: number): void {
  launchMultiTensor(
    LERP,
    pairs.map(({ target, source }) => ({
      uniforms: {},
      inputs: { source },
      outputs: { average: target },
    })),
    { decay, oneMinusDecay: 1 - decay },
  );
}

/** target ← decay · target + (1 − decay) · source; decay = 0 copies. */
export function lerp(target: tf.Tensor, source: tf.Tensor, decay: number): void {
  multiTensorLerp([{ target, source }], decay);
}

const ADAMW_FUTURES = multiTensorKernel(
  defineKernel({
    name: "adamwFutures",
    uniforms: {
      decay: "f32",
      oneMinusDecay: "f32",
      shift: "f32",
      biasCorrection: "f32",
      epsilon: "f32",
    },
    inputs: { p: "f32", m: "f32", v: "f32" },
    outputs: { average: "f32" },
    shader: adamwFuturesShader,
    wasm: adamwFuturesByWasm,
    reference: adamwFuturesReference,
  }),
  [4, 2],
  ["shift"],
);

/** A moving average of a parameter, and the moments that its futures follow from. */
export interface FuturesEntry {
  readonly average: tf.Tensor;
  readonly parameter: tf.Tensor;
  /** AdamW's first moment, or SGD's momentum buffer. */
  readonly first: tf.Tensor;
  /** AdamW's second moment; null for SGD. */
  readonly second: tf.Tensor | null;
  /** See {@linkcode AdamWFuturesScalars}. */
  readonly shift: number;
}

/** Lets futures of parameters enter their averages; see {@linkcode AdamWFuturesScalars}. */
export function multiTensorAdamWFutures(
  entries: readonly FuturesEntry[],
  shared: Omit<AdamWFuturesScalars, "shift">,
): void {
  launchMultiTensor(
    ADAMW_FUTURES,
    entries.flatMap(({ average, parameter: p, first: m, second: v, shift }) =>
      v === null
        ? []
        : [{ uniforms: { shift }, inputs: { p, m, v }, outputs: { average } }]
    ),
    shared,
  );
}

const SGD_FUTURES = multiTensorKernel(
  defineKernel({
    name: "sgdFutures",
    uniforms: { decay: "f32", oneMinusDecay: "f32", shift: "f32" },
    inputs: { p: "f32", b: "f32" },
    outputs: { average: "f32" },
    shader: sgdFuturesShader,
    wasm: sgdFuturesByWasm,
    reference: sgdFuturesReference,
  }),
  [4, 2],
  ["shift"],
);

/** Lets futures of parameters enter their averages; see {@linkcode SgdFuturesScalars}. */
export function multiTensorSgdFutures(
  entries: readonly FuturesEntry[],
  shared: Omit<SgdFuturesScalars, "shift">,
): void {
  launchMultiTensor(
    SGD_FUTURES,
    entries.map(({ average, parameter: p, first: b, shift }) => ({
      uniforms: { shift },
      inputs: { p, b },
      outputs: { average },
    })),
    shared,
  );
}
