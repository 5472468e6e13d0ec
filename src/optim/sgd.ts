/** Gradient descent with momentum over a set of weights. @module */
import type { Parameter, Weights } from "../core/network.ts";
import { sgdAll, type SgdUpdate } from "../ops/in_place.ts";
import type { Moments } from "./adamw.ts";
import { groupOf } from "./parameter_group.ts";

/** Settings of gradient descent that hold for the whole run. */
export interface SgdOptions {
  /** The share of itself that the momentum buffer keeps. */
  readonly momentum: number;
  /** Times a decayed parameter, is added to its gradient. */
  readonly weightDecay: number;
  /** The decoder's rate relative to the encoder's. */
  readonly headFactor: number;
}

/**
 * One step, in place.
 *
 *   b ← momentum · b + g + decay · p;  p ← p − rate · b
 *
 * Source: PyTorch's `SGD` without dampening; a buffer of zeros is the start it calls empty.
 *
 * @param weights Changed.
 * @param moments Changed: `first` holds b, `second` is not looked at.
 * @param gradient By parameter; a parameter without one stays as it is.
 * @param rate Of the encoder, for this step.
 */
export function sgdStep(
  parameters: readonly Parameter[],
  weights: Weights,
  moments: Moments,
  gradient: Weights,
  rate: number,
  { momentum, weightDecay, headFactor }: SgdOptions,
): void {
  moments.steps++;
  const updates: SgdUpdate[] = [];
  for (const parameter of parameters) {
    const value = weights.get(parameter.name);
    const slope = gradient.get(parameter.name);
    const buffer = moments.first.get(parameter.name);
    if (!value || !slope || !buffer) continue;
    const { rateFactor, decayed } = groupOf(parameter, headFactor);
    updates.push({
      gradient: slope,
      parameter: value,
      buffer,
      rate: rate * rateFactor,
      decay: decayed ? weightDecay : 0,
    });
  }
  sgdAll(updates, momentum);
}
