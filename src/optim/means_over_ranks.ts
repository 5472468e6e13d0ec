/** Gradients and weights of ranks, joined. @module */
import { tagPurpose } from "../core/dry_run.ts";
import type { Parameter, Weights } from "../core/network.ts";
import { rankCount } from "../core/ranks.ts";
import { releaseWeights } from "../core/weights.ts";
import * as tf from "../core/tf.ts";
import { meansOverRanks } from "../ops/across_ranks.ts";
import { multiTensorLerp } from "../ops/in_place/in_place.ts";

/**
 * The gradient of a batch: the mean of those of its parts, which the ranks have.
 *
 * @param ofPart Freed.
 * @returns The caller owns it.
 */
export function meanGradient(ofPart: Weights): Weights {
  if (rankCount() === 1) return ofPart;
  const means = meansOverRanks([...ofPart.values()]);
  tagPurpose(means, "gradient");
  releaseWeights(ofPart);
  const names = [...ofPart.keys()];
  return new Map(means.map((mean, i) => [names[i] ?? "", mean]));
}

/**
 * weights ← their mean over all ranks, in place: parameters that train, and buffers but for
 * counters.
 *
 * @param sets Further ones by the same names, such as moments.
 */
export function averageOverRanks(
  parameters: readonly Parameter[],
  ...sets: readonly Weights[]
): void {
  const targets = sets.flatMap((weights) =>
    parameters.flatMap(({ name, layout, isFrozen }) =>
      layout === "counter" || isFrozen ? [] : weights.get(name) ?? []
    )
  );
  const means = meansOverRanks(targets);
  const pairs = targets.flatMap((target, i) => {
    const source = means[i];
    return source === undefined || source === target ? [] : [{ target, source }];
  });
  multiTensorLerp(pairs, 0);
  tf.dispose(pairs.map(({ source }) => source));
}
