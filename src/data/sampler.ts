/**
 * Which pictures a batch is made of: a function of (seed, iteration, future) and of nothing
 * else, so that a resumed run goes on with the pictures it would have had.
 *
 * @module
 */

import { createRandom, type Random } from "../core/random.ts";
import type { RareClassPlan } from "./rare_classes.ts";
import type { WantedClass } from "./training_view.ts";

/** A picture of a batch. */
export interface Draw {
  /** Its index in the data set. */
  readonly index: number;
  /** The class for whose sake it was chosen; null without rare class sampling. */
  readonly wanted: WantedClass | null;
}

/** The pictures of one batch. */
export interface BatchDraws {
  /** B draws from the source. */
  readonly source: readonly Draw[];
  /** B draws from the target; null without one. */
  readonly target: readonly Draw[] | null;
}

/** Gives the pictures of batch `future` of iteration `iteration`. */
export type Sampler = (iteration: number, future?: number) => BatchDraws;

/** What a sampler draws from. */
export interface SamplerOptions {
  readonly seed: number;
  /** B */
  readonly batch: number;
  /** The number of source pictures. */
  readonly source: number;
  /** The number of target pictures; null without a target. */
  readonly target: number | null;
  /** Null draws every picture once per epoch. */
  readonly rareClasses: RareClassPlan | null;
}

/** Shuffled epochs kept: enough to look ahead over the end of one, in both domains. */
const KEPT = 16;

/**
 * Creates a sampler.
 *
 * Without rare classes, source and target are shuffled once per epoch each, and the items of
 * batch 0, 1, … are taken in that order; each future has an order of its own, so the real
 * batches (future 0) do not depend on how many futures there are. With rare classes, each
 * item draws a class by its probability, one of the class's pictures and any target picture,
 * all independently.
 */
export function createSampler(options: SamplerOptions): Sampler {
  const { seed, batch, source, target, rareClasses } = options;
  const orders = new Map<string, Uint32Array>();

  const inTurn = (stream: string, count: number, position: number): number => {
    const epoch = Math.floor(position / count);
    const key = `${stream}/${epoch}`;
    let order = orders.get(key);
    if (order === undefined) {
      order = shuffle(count, createRandom(seed, stream, epoch));
      const [oldest] = orders.keys();
      if (orders.size >= KEPT && oldest !== undefined) orders.delete(oldest);
      orders.set(key, order);
    }
    return order[position % count] ?? 0;
  };

  return (iteration, future = 0) => {
    const items = Array.from({ length: batch }, (_, item) => iteration * batch + item);
    if (rareClasses === null) {
      const draws = (domain: string, count: number) =>
        items.map((position): Draw => ({
          index: inTurn(`sampler/${domain}/${future}`, count, position),
          wanted: null,
        }));
      return {
        source: draws("source", source),
        target: target === null ? null : draws("target", target),
      };
    }
    const random = createRandom(seed, `sampler/rare/${future}`, iteration);
    const pairs = items.map(() => ({
      source: drawRare(rareClasses, random),
      target: { index: random.integer(target ?? 1), wanted: null },
    }));
    return {
      source: pairs.map((pair) => pair.source),
      target: target === null ? null : pairs.map((pair) => pair.target),
    };
  };
}

function drawRare(plan: RareClassPlan, random: Random): Draw {
  let left = random.uniform();
  let chosen = 0;
  // Rounding may leave the sum just below 1: what is left over goes to the last class.
  for (; chosen < plan.classes.length - 1; chosen++) {
    left -= plan.probabilities[chosen] ?? 0;
    if (left < 0) break;
  }
  const candidates = plan.candidates[chosen] ?? [];
  return {
    index: candidates[random.integer(candidates.length)] ?? 0,
    wanted: { id: plan.classes[chosen] ?? 0, pixels: plan.cropPixels },
  };
}

// Fisher and Yates.
function shuffle(count: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = random.integer(i + 1);
    const kept = order[i] ?? 0;
    order[i] = order[other] ?? 0;
    order[other] = kept;
  }
  return order;
}
