/** Weights and moments for virtual steps, which never touch the learner's own. @module */
import type { Parameter, Weights } from "../core/network.ts";
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
  /** What no virtual step moves, in the learner's own tensors. */
  readonly shared: ReadonlySet<string>;
}

/**
 * Creates the sets that a look-ahead needs, or null where there is none.
 *
 * @param shared The parameters that no virtual step moves: they are not copied.
 */
export function createScratchSets(
  { student, moments }: Learner,
  { depth, width }: { readonly depth: number; readonly width: number },
  shared: ReadonlySet<string> = new Set(),
): ScratchSets | null {
  if (depth === 0) return null;
  const clone = (weights: Weights) => cloneWeights(movedOf(weights, shared));
  const scratchSet = (): WeightsAndMoments => ({
    weights: new Map([...student, ...clone(student)]),
    moments: {
      steps: moments.steps,
      first: clone(moments.first),
      second: clone(moments.second),
    },
  });
  return {
    future: scratchSet(),
    averaging: width > 1 ? { candidate: scratchSet(), mean: scratchSet() } : null,
    shared,
  };
}

function movedOf(weights: Weights, shared: ReadonlySet<string>): Weights {
  return new Map([...weights].filter(([name]) => !shared.has(name)));
}

/** Frees the sets. */
export function releaseScratchSets(scratch: ScratchSets | null): void {
  if (scratch === null) return;
  const { future, averaging, shared } = scratch;
  const sets = averaging ? [future, averaging.candidate, averaging.mean] : [future];
  for (const { weights, moments } of sets) {
    [movedOf(weights, shared), moments.first, moments.second].forEach(releaseWeights);
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
