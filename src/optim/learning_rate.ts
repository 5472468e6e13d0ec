/** The learning-rate schedule. @module */

/** Polynomial decay after a linear warm-up. */
export interface LearningRateSchedule {
  /** Iterations of the whole run. */
  readonly iterations: number;
  /** Iterations of the warm-up; 0 for none. */
  readonly warmupIterations: number;
  /** The factor of the learning rate at the start of the warm-up. */
  readonly warmupRatio: number;
  /** Exponent of the decay; 1 is a straight line. */
  readonly power: number;
  /** The learning rate at the end of the decay. */
  readonly minLearningRate: number;
}

/**
 * The learning rate η of iteration t, counted from 0.
 *
 *   p(t) = (peak − minimum) · (1 − t / T)^power + minimum
 *   η(t) = p(t) · (1 − (1 − t / W)(1 − r)) while t < W, then p(t)
 *
 * Source: mmcv's "poly" policy with linear warm-up.
 */
export function learningRateAt(
  peak: number,
  iteration: number,
  schedule: LearningRateSchedule,
): number {
  const { iterations, warmupIterations, warmupRatio, power, minLearningRate } = schedule;
  const remaining = Math.max(0, 1 - iteration / iterations);
  const decayed = (peak - minLearningRate) * remaining ** power + minLearningRate;
  if (iteration >= warmupIterations) return decayed;
  return decayed * (1 - (1 - iteration / warmupIterations) * (1 - warmupRatio));
}
