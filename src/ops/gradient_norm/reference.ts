// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";

/** sums[0] = Σ g²; the other lanes are 0. */
export function squareSumsReference({ g, sums }: Arrays<"g" | "sums">): void {
  let sum = 0;
  for (const x of g) sum += x * x;
  sums.fill(0);
  sums[0] = Number.isFinite(sum) ? sum : Infinity;
}

/** norm = √Σ sums; factor = min(1, maxNorm / (norm + 10⁻⁶)), 1 if it is not finite. */
export function clipFactorReference(
  { sums, norm, factor }: Arrays<"sums" | "norm" | "factor">,
  { maxNorm }: { readonly maxNorm: number },
): void {
  let sum = 0;
  for (const one of sums) sum += one;
  norm[0] = Number.isFinite(sum) ? Math.sqrt(sum) : Infinity;
  factor[0] = Number.isFinite(sum) ? Math.min(1, maxNorm / (norm[0]! + 1e-6)) : 1;
}

/** y = factor · x. */
export function scaleReference({ factor, x, y }: Arrays<"factor" | "x" | "y">): void {
  for (let i = 0; i < y.length; i++) y[i] = factor[0]! * x[i]!;
}
