/** Moving averages and copies of whole sets of weights. @module */
import type { Parameter, Weights } from "../core/network.ts";
import { blendAll, type Blended } from "../ops/in_place.ts";

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
  blendAll(pairsOf(parameters, target, source, true), keep);
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
  blendAll(pairsOf(parameters, target, source, false), 0);
}

function pairsOf(
  parameters: readonly Parameter[],
  target: Weights,
  source: Weights,
  trained: boolean,
): Blended[] {
  const pairs: Blended[] = [];
  for (const parameter of parameters) {
    if (parameter.trained !== trained) continue;
    const to = target.get(parameter.name);
    const from = source.get(parameter.name);
    if (to && from) pairs.push({ target: to, source: from });
  }
  return pairs;
}
