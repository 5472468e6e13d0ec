/** Moving averages and copies of whole sets of weights and moments, in place. @module */
import type { Parameter, Weights } from "../core/network.ts";
import { type LerpPair, multiTensorLerp } from "../ops/in_place/in_place.ts";
import type { Moments } from "./optimizer.ts";

/**
 * target ← decay · target + (1 − decay) · source for the trained parameters.
 *
 * Buffers stay unchanged: the teacher of FST never averages batch-norm statistics.
 */
export function emaUpdate(
  parameters: readonly Parameter[],
  target: Weights,
  source: Weights,
  decay: number,
): void {
  multiTensorLerp(lerpPairs(parameters, target, source, true), decay);
}

/**
 * The decay with which a student enters the teacher: min(1 − 1/(n + 1), α).
 *
 * The warm-up makes the teacher a plain mean of the first students, and an exact copy at
 * n = 0.
 *
 * @param emaStep n
 * @param emaDecay α, the decay after the warm-up.
 */
export function warmedUpEmaDecay(emaStep: number, emaDecay: number): number {
  return Math.min(1 - 1 / (emaStep + 1), emaDecay);
}

/** Copies the trained parameters of one set into another. */
export function copyParameters(
  parameters: readonly Parameter[],
  target: Weights,
  source: Weights,
): void {
  emaUpdate(parameters, target, source, 0);
}

/**
 * target ← decay · target + (1 − decay) · source for buffers (batch-norm statistics).
 * Counters are copied.
 */
export function emaUpdateBuffers(
  parameters: readonly Parameter[],
  target: Weights,
  source: Weights,
  decay: number,
): void {
  const isCounter = ({ layout }: Parameter) => layout === "counter";
  const averaged = parameters.filter((parameter) => !isCounter(parameter));
  multiTensorLerp(lerpPairs(averaged, target, source, false), decay);
  const counters = parameters.filter(isCounter);
  multiTensorLerp(lerpPairs(counters, target, source, false), 0);
}

/** Copies the buffers of one set into another. */
export function copyBuffers(
  parameters: readonly Parameter[],
  target: Weights,
  source: Weights,
): void {
  multiTensorLerp(lerpPairs(parameters, target, source, false), 0);
}

/** target ← decay · target + (1 − decay) · source for moments, with the source's steps. */
export function lerpMoments(
  parameters: readonly Parameter[],
  target: Moments,
  source: Moments,
  decay: number,
): void {
  emaUpdate(parameters, target.first, source.first, decay);
  emaUpdate(parameters, target.second, source.second, decay);
  target.steps = source.steps;
}

function lerpPairs(
  parameters: readonly Parameter[],
  target: Weights,
  source: Weights,
  trainable: boolean,
): LerpPair[] {
  return parameters.flatMap((parameter) => {
    // What is frozen is the same everywhere.
    if (parameter.trainable !== trainable || parameter.isFrozen) return [];
    const [to, from] = [target.get(parameter.name), source.get(parameter.name)];
    return to && from ? [{ target: to, source: from }] : [];
  });
}
