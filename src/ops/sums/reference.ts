// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";

/** out[c] = Σ over r of a[r, c]. */
export function columnSumReference(
  { a, out }: Arrays<"a" | "out">,
  { columns }: { readonly columns: number },
): void {
  const sums = new Float64Array(columns);
  for (let at = 0; at < a.length; at += columns) {
    for (let c = 0; c < columns; c++) sums[c]! += a[at + c]!;
  }
  out.set(sums);
}

/** out[0] = Σ x / divisor. */
export function sumAllReference(
  { x, out }: Arrays<"x" | "out">,
  { divisor }: { readonly divisor: number },
): void {
  let sum = 0;
  for (const value of x) sum += value;
  out[0] = sum / divisor;
}
