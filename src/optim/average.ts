/** Moving averages and copies of whole sets of weights. @module */
import type { Parameter, Weights } from "../core/network.ts";
import { blend } from "../ops/in_place.ts";

/**
 * target ← keep · target + (1 − keep) · source for the trained parameters, in place.
 *
 * Buffers are left alone: the published teacher never averages batch-norm statistics.
 */
export function average(
  parameters: readonly Parameter[],
  target: Weights,
  source: Weights,
  keep: number,
): void {
  each(parameters, target, source, (to, from) => blend(to, from, keep), true);
}

/** Copies the trained parameters of one set into another, in place. */
export function copyTrained(
  parameters: readonly Parameter[],
  target: Weights,
  source: Weights,
): void {
  average(parameters, target, source, 0);
}

/** Copies the buffers (batch-norm statistics) of one set into another, in place. */
export function copyBuffers(
  parameters: readonly Parameter[],
  target: Weights,
  source: Weights,
): void {
  each(parameters, target, source, (to, from) => blend(to, from, 0), false);
}

function each(
  parameters: readonly Parameter[],
  target: Weights,
  source: Weights,
  change: (to: Tensor, from: Tensor) => void,
  trained: boolean,
): void {
  for (const parameter of parameters) {
    if (parameter.trained !== trained) continue;
    const to = target.get(parameter.name);
    const from = source.get(parameter.name);
    if (to && from) change(to, from);
  }
}

type Tensor = Weights extends ReadonlyMap<string, infer T> ? T : never;
