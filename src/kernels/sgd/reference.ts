// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Cells } from "../kernel.ts";

/** The scalars of one step of gradient descent. */
export interface SgdScalars {
  readonly rate: number;
  readonly momentum: number;
  readonly decay: number;
}

/** b ← momentum · b + g + decay · p;  p ← p − rate · b, in place. */
export function sgdReference(
  g: Cells,
  [p, b]: readonly [Cells, Cells],
  { rate, momentum, decay }: SgdScalars,
): void {
  for (let i = 0; i < p.length; i++) {
    const velocity = momentum * b[i]! + g[i]! + decay * p[i]!;
    b[i] = velocity;
    p[i]! -= rate * velocity;
  }
}
