/** The learning-rate schedule. @module */

/** Polynomial decay after a linear warm-up. */
export interface LearningRateSchedule {
  /** Iterations of the whole run. */
  readonly iterations: number;
  /** Iterations of the warm-up; 0 for none. */
  readonly warmupIterations: number;
  /** The factor of the learning rate at the start of the warm-up. */
  readonly warmupRatio: number;
  /**
   * Whether the warm-up rises to what the decay says at that moment, or to the peak, which
   * it then reaches in its last iteration.
   * @default {"decay"}
   */
  readonly warmupTo?: "decay" | "peak";
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
 * Rising to the peak, it is peak · (r + (1 − r) · t / (W − 1)) while t < W.
 *
 * Source: mmcv's "poly" policy with linear warm-up; to the peak: VFM-UDA, Englert et al.
 * (CVPR workshops 2024), https://arxiv.org/abs/2406.09896.
 */
export function learningRateAt(
  peak: number,
  iteration: number,
  schedule: LearningRateSchedule,
): number {
  const { iterations, warmupIterations, warmupRatio, power, minLearningRate } = schedule;
  if (schedule.warmupTo === "peak" && iteration < warmupIterations) {
    const done = iteration / Math.max(1, warmupIterations - 1);
    return peak * (warmupRatio + (1 - warmupRatio) * done);
  }
  const remaining = Math.max(0, 1 - iteration / iterations);
  const decayed = (peak - minLearningRate) * remaining ** power + minLearningRate;
  if (iteration >= warmupIterations) return decayed;
  return decayed * (1 - (1 - iteration / warmupIterations) * (1 - warmupRatio));
}
