// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Cells } from "../kernel.ts";

/** target ← keep · target + (1 − keep) · source, in place; an exact copy if keep = 0. */
export function blendReference(source: Cells, target: Cells, keep: number): void {
  if (keep === 0) {
    target.set(source);
    return;
  }
  for (let i = 0; i < target.length; i++) {
    target[i] = keep * target[i]! + (1 - keep) * source[i]!;
  }
}
