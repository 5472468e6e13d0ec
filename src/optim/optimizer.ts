/** The optimizers: one step over a whole set of weights, in place. @module */
import type { Parameter, Weights } from "../core/network.ts";
import type * as tf from "../core/tf.ts";
import {
  multiTensorAdamW,
  multiTensorAdamWFutures,
  multiTensorSgd,
  multiTensorSgdFutures,
} from "../ops/in_place/in_place.ts";

/** The state of an optimizer. Steps change the tensors in place; the creator frees them. */
export interface Moments {
  /** Steps taken; bias correction depends on it. */
  steps: number;
  /** First moments, averages of the gradients; or SGD's momentum buffers. By parameter. */
  readonly first: Weights;
  /** Second moments, averages of the squared gradients, by parameter; empty for SGD. */
  readonly second: Weights;
}

interface ParameterGroupOptions {
  /** AdamW: decoupled decay per unit of learning rate. SGD: added to the gradient. */
  readonly weightDecay: number;
  /** The learning rate of decoder and heads, divided by the encoder's. */
  readonly headLrMultiplier: number;
  /**
   * Whether the encoder's norms decay, too.
   * @default {false}
   */
  readonly decayNorms?: boolean;
  /**
   * By name, times what a parameter's learning rate is without.
   * @default {1 for all}
   */
  readonly lrMultipliers?: ReadonlyMap<string, number>;
}

/** Settings of AdamW that hold for the whole run. */
export interface AdamWOptions extends ParameterGroupOptions {
  /** β₁ and β₂, the decay of the moments. */
  readonly betas: readonly [number, number];
  /** ε, added to the root of the second moment. */
  readonly eps: number;
}

/** Settings of SGD that hold for the whole run. */
export interface SgdOptions extends ParameterGroupOptions {
  /** The decay of the momentum buffers. */
  readonly momentum: number;
}

/**
 * One step of AdamW.
 *
 *   p ← p − η · weightDecay · p − η · m̂ / (√v̂ + ε)
 *
 * Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (ICLR 2019),
 * https://arxiv.org/abs/1711.05101.
 *
 * @param weights Changed.
 * @param moments Changed.
 * @param gradient By parameter; a parameter without one stays unchanged.
 * @param learningRate η of the encoder, for this step.
 */
export function adamwStep(
  parameters: readonly Parameter[],
  weights: Weights,
  moments: Moments,
  gradient: Weights,
  learningRate: number,
  options: AdamWOptions,
): void {
  moments.steps++;
  const { betas: [beta1, beta2], eps } = options;
  const updates = updatesOf(parameters, weights, gradient, learningRate, options)
    .flatMap(({ name, parameter, gradient, learningRate, weightDecay }) => {
      const [first, second] = [moments.first.get(name), moments.second.get(name)];
      if (!first || !second) return [];
      return [{
        gradient,
        parameter,
        moments: [first, second] as const,
        weightDecayStep: learningRate * weightDecay,
        stepSize: learningRate / (1 - beta1 ** moments.steps),
      }];
    });
  multiTensorAdamW(updates, {
    beta1,
    beta2,
    oneMinusBeta1: 1 - beta1,
    oneMinusBeta2: 1 - beta2,
    biasCorrection: 1 / Math.sqrt(1 - beta2 ** moments.steps),
    epsilon: eps,
  });
}

/**
 * One step of SGD with momentum.
 *
 *   b ← momentum · b + g + weightDecay · p;  p ← p − η · b
 *
 * Source: PyTorch's `SGD` without dampening; buffers start as zeros.
 *
 * @param weights Changed.
 * @param moments Changed: `first` holds b.
 * @param gradient By parameter; a parameter without one stays unchanged.
 * @param learningRate η of the encoder, for this step.
 */
export function sgdStep(
  parameters: readonly Parameter[],
  weights: Weights,
  moments: Moments,
  gradient: Weights,
  learningRate: number,
  options: SgdOptions,
): void {
  moments.steps++;
  const updates = updatesOf(parameters, weights, gradient, learningRate, options)
    .flatMap(({ name, ...update }) => {
      const momentumBuffer = moments.first.get(name);
      return momentumBuffer === undefined ? [] : [{ ...update, momentumBuffer }];
    });
  multiTensorSgd(updates, options.momentum);
}

/**
 * A moving average of students into which K futures enter one after another, none of them
 * computed by itself: θ − k·Δ, k = 1 … K, Δ being the step that present moments give.
 */
export interface FuturesOptions {
  /** K */
  readonly count: number;
  /** d, the decay with which each of them enters. */
  readonly decay: number;
}

/**
 * φ ← dᴷ·φ + (1 − d)·Σₖ dᴷ⁻ᵏ·(θ − k·Δ) with Δ = η · m̂ / (√v̂ + ε), in one pass over memory;
 * φ stays as it is before the first step. Moments are the present ones, with the bias
 * correction of their count; decoupled weight decay, which is not of the moments, is no
 * part of Δ.
 *
 * @param average φ, changed.
 * @param learningRate η of the encoder.
 */
export function enterAdamWFutures(
  parameters: readonly Parameter[],
  average: Weights,
  weights: Weights,
  moments: Moments,
  learningRate: number,
  { betas: [beta1, beta2], eps, ...options }: AdamWOptions,
  futures: FuturesOptions,
): void {
  const { steps } = moments;
  if (steps === 0) return;
  const rate = learningRate / (1 - beta1 ** steps);
  multiTensorAdamWFutures(
    futuresOf(parameters, average, weights, moments, rate, options, futures),
    {
      ...decayOfAll(futures),
      biasCorrection: 1 / Math.sqrt(1 - beta2 ** steps),
      epsilon: eps,
    },
  );
}

/**
 * The same with Δ = η · b, b being the momentum buffer, in which weight decay is.
 *
 * @param average φ, changed.
 * @param learningRate η of the encoder.
 */
export function enterSgdFutures(
  parameters: readonly Parameter[],
  average: Weights,
  weights: Weights,
  moments: Moments,
  learningRate: number,
  options: SgdOptions,
  futures: FuturesOptions,
): void {
  if (moments.steps === 0) return;
  multiTensorSgdFutures(
    futuresOf(parameters, average, weights, moments, learningRate, options, futures),
    decayOfAll(futures),
  );
}

function decayOfAll({ count, decay }: FuturesOptions) {
  const decayOfAll = decay ** count;
  return { decay: decayOfAll, oneMinusDecay: 1 - decayOfAll };
}

function futuresOf(
  parameters: readonly Parameter[],
  averages: Weights,
  weights: Weights,
  moments: Moments,
  learningRate: number,
  options: ParameterGroupOptions,
  { count, decay }: FuturesOptions,
) {
  let steps = 0; // Σₖ (1 − d)·dᴷ⁻ᵏ·k
  for (let k = 1; k <= count; k++) steps = decay * steps + (1 - decay) * k;
  return parameters.flatMap(({ name }) => {
    const [average, parameter] = [averages.get(name), weights.get(name)];
    const first = moments.first.get(name);
    if (!average || !parameter || !first) return [];
    const shift = steps * learningRateOf(name, learningRate, options);
    const second = moments.second.get(name) ?? null;
    return [{ average, parameter, first, second, shift }];
  });
}

interface Update {
  readonly name: string;
  readonly parameter: tf.Tensor;
  readonly gradient: tf.Tensor;
  /** Of the parameter's group. */
  readonly learningRate: number;
  /** Of the parameter's group: 0 for norms of the encoder, unless they decay. */
  readonly weightDecay: number;
}

function updatesOf(
  parameters: readonly Parameter[],
  weights: Weights,
  gradients: Weights,
  learningRate: number,
  options: ParameterGroupOptions,
): Update[] {
  return parameters.flatMap(({ name }) => {
    const [parameter, gradient] = [weights.get(name), gradients.get(name)];
    if (!parameter || !gradient) return [];
    const { hasWeightDecay } = parameterGroupOf(name, options);
    return [{
      name,
      parameter,
      gradient,
      learningRate: learningRateOf(name, learningRate, options),
      weightDecay: hasWeightDecay ? options.weightDecay : 0,
    }];
  });
}

function learningRateOf(
  name: string,
  learningRate: number,
  { lrMultipliers, ...options }: ParameterGroupOptions,
): number {
  const { lrMultiplier } = parameterGroupOf(name, options);
  return learningRate * lrMultiplier * (lrMultipliers?.get(name) ?? 1);
}

/** The rule of DAFormer, and the decoders of the semi-supervised branch. */
const HEAD_NAMES = /head|^decoder\.|^auxor\./;

/** The rule of DAFormer, and the batch norms of EfficientNet, which its authors spare. */
const NORM_NAMES = /norm|\._bn\d/;

/**
 * The group of a parameter, by its name.
 *
 * "head" anywhere in the name, or "decoder." or "auxor." at its start: the learning rate of
 * the head, with weight decay, for norms, too. Else "norm", or "_bn0" and the like:
 * without weight decay, unless norms decay. The first match wins, as in DAFormer.
 */
export function parameterGroupOf(
  name: string,
  { headLrMultiplier, decayNorms = false }: Omit<ParameterGroupOptions, "weightDecay">,
): { readonly lrMultiplier: number; readonly hasWeightDecay: boolean } {
  return HEAD_NAMES.test(name)
    ? { lrMultiplier: headLrMultiplier, hasWeightDecay: true }
    : { lrMultiplier: 1, hasWeightDecay: decayNorms || !NORM_NAMES.test(name) };
}
