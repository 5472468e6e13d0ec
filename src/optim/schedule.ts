/** How fast to learn at which iteration. @module */

/** Polynomial decay after a linear warm-up. */
export interface Schedule {
  /** Iterations of the whole run. */
  readonly iterations: number;
  /** Iterations of the warm-up; 0 for none. */
  readonly warmup: number;
  /** The share of the rate with which the warm-up starts. */
  readonly warmupRatio: number;
  /** Exponent of the decay; 1 is a straight line. */
  readonly power: number;
  /** What the decay ends at. */
  readonly minimumRate: number;
}

/**
 * The rate of iteration t, counted from 0.
 *
 *   p(t) = (base − minimum) · (1 − t / T)^power + minimum
 *   rate = p(t) · (1 − (1 − t / W)(1 − r)) while t < W, then p(t)
 *
 * Source: mmcv's "poly" policy with linear warm-up.
 */
export function learningRate(base: number, t: number, schedule: Schedule): number {
  const { iterations, warmup, warmupRatio, power, minimumRate } = schedule;
  const left = Math.max(0, 1 - t / iterations);
  const decayed = (base - minimumRate) * left ** power + minimumRate;
  if (t >= warmup) return decayed;
  return decayed * (1 - (1 - t / warmup) * (1 - warmupRatio));
}
