/**
 * The share of itself that the teacher keeps when a student enters: min(1 − 1/(n + 1), α).
 *
 * The warm-up makes the teacher a plain mean of the first students, and an exact copy
 * at n = 0.
 *
 * @param count n, the teacher's clock.
 * @param momentum α, the share after the warm-up.
 */
export function teacherMomentum(count: number, momentum: number): number {
  return Math.min(1 - 1 / (count + 1), momentum);
}
