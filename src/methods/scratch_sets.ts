/** Weights and moments for virtual steps, which never touch the learner's own. @module */
import type { Parameter } from "../core/network.ts";
import { cloneWeights, releaseWeights } from "../core/weights.ts";
import { emaUpdate, lerpMoments } from "../optim/ema_update.ts";
import type { Learner, WeightsAndMoments } from "./learner.ts";

/** Sets that live as long as the run, so that a virtual step allocates nothing. */
export interface ScratchSets {
  /** θ′ and m′ */
  readonly future: WeightsAndMoments;
  /** θ′ᵢ and m′ᵢ of one future, and their mean so far; null for one future. */
  readonly averaging: {
    readonly candidate: WeightsAndMoments;
    readonly mean: WeightsAndMoments;
  } | null;
}

/** Creates the sets that a look-ahead needs, or null where there is none. */
export function createScratchSets(
  { student, moments }: Learner,
  { depth, width }: { readonly depth: number; readonly width: number },
): ScratchSets | null {
  if (depth === 0) return null;
  const scratchSet = (): WeightsAndMoments => ({
    weights: cloneWeights(student),
    moments: {
      steps: moments.steps,
      first: cloneWeights(moments.first),
      second: cloneWeights(moments.second),
    },
  });
  return {
    future: scratchSet(),
    averaging: width > 1 ? { candidate: scratchSet(), mean: scratchSet() } : null,
  };
}

/** Frees the sets. */
export function releaseScratchSets(scratch: ScratchSets | null): void {
  if (scratch === null) return;
  const { future, averaging } = scratch;
  const sets = averaging ? [future, averaging.candidate, averaging.mean] : [future];
  for (const { weights, moments } of sets) {
    [weights, moments.first, moments.second].forEach(releaseWeights);
  }
}

/** target ← source for the trained parameters and, unless they are the same, the moments. */
export function copySet(
  parameters: readonly Parameter[],
  target: WeightsAndMoments,
  source: WeightsAndMoments,
): void {
  lerpSet(parameters, target, source, 0);
}

/** target ← decay · target + (1 − decay) · source, as {@linkcode copySet}. */
export function lerpSet(
  parameters: readonly Parameter[],
  target: WeightsAndMoments,
  source: WeightsAndMoments,
  decay: number,
): void {
  emaUpdate(parameters, target.weights, source.weights, decay);
  if (target.moments === source.moments) return;
  lerpMoments(parameters, target.moments, source.moments, decay);
}
