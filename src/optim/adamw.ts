/** AdamW over a set of weights. @module */
import type { Parameter, Weights } from "../core/network.ts";
import { adamwAll, type AdamWUpdate } from "../ops/in_place.ts";
import { groupOf } from "./parameter_group.ts";

/** Settings of AdamW that hold for the whole run. */
export interface AdamWOptions {
  /** β₁ and β₂, the shares that the moments keep. */
  readonly betas: readonly [number, number];
  /** ε, added to the root of the second moment. */
  readonly epsilon: number;
  /** Share of a decayed parameter that is lost per unit of rate. */
  readonly weightDecay: number;
  /** The decoder's rate relative to the encoder's. */
  readonly headFactor: number;
}

/**
 * What an optimizer remembers. The tensors are changed in place; their maker releases them.
 */
export interface Moments {
  /** Steps taken; bias correction depends on it. */
  steps: number;
  /** Averages of the gradients, or their sum with momentum, by parameter. */
  readonly first: Weights;
  /** Averages of their squares, by parameter; empty where the rule needs none. */
  readonly second: Weights;
}

/**
 * One step, in place.
 *
 *   p ← p − rate · decay · p − rate · m̂ / (√v̂ + ε)
 *
 * Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (ICLR 2019),
 * https://arxiv.org/abs/1711.05101.
 *
 * @param weights Changed.
 * @param moments Changed.
 * @param gradient By parameter; a parameter without one stays as it is.
 * @param rate Of the encoder, for this step.
 */
export function adamwStep(
  parameters: readonly Parameter[],
  weights: Weights,
  moments: Moments,
  gradient: Weights,
  rate: number,
  { betas: [beta1, beta2], epsilon, weightDecay, headFactor }: AdamWOptions,
): void {
  moments.steps++;
  const updates: AdamWUpdate[] = [];
  for (const parameter of parameters) {
    const value = weights.get(parameter.name);
    const slope = gradient.get(parameter.name);
    const first = moments.first.get(parameter.name);
    const second = moments.second.get(parameter.name);
    if (!value || !slope || !first || !second) continue;
    const { rateFactor, decayed } = groupOf(parameter, headFactor);
    const own = rate * rateFactor;
    updates.push({
      gradient: slope,
      parameter: value,
      moments: [first, second],
      decay: decayed ? own * weightDecay : 0,
      step: own / (1 - beta1 ** moments.steps),
    });
  }
  adamwAll(updates, {
    beta1,
    beta2,
    take1: 1 - beta1,
    take2: 1 - beta2,
    correction: 1 / Math.sqrt(1 - beta2 ** moments.steps),
    epsilon,
  });
}
