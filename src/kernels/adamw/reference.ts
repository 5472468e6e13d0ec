// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Cells } from "../kernel.ts";

/** The scalars of one AdamW step; see the shader for the formula. */
export interface AdamWScalars {
  readonly decay: number;
  readonly beta1: number;
  readonly beta2: number;
  /** 1 − β₁ */
  readonly take1: number;
  /** 1 − β₂ */
  readonly take2: number;
  readonly step: number;
  readonly correction: number;
  readonly epsilon: number;
}

/** One AdamW step on parameter p and moments m and v, in place. */
export function adamwReference(
  g: Cells,
  [p, m, v]: readonly [Cells, Cells, Cells],
  { decay, beta1, beta2, take1, take2, step, correction, epsilon }: AdamWScalars,
): void {
  for (let i = 0; i < p.length; i++) {
    const slope = g[i]!;
    const first = beta1 * m[i]! + take1 * slope;
    const second = beta2 * v[i]! + take2 * slope * slope;
    m[i] = first;
    v[i] = second;
    p[i] = p[i]! - p[i]! * decay -
      step * first / (Math.sqrt(second) * correction + epsilon);
  }
}
