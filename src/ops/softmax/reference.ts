// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";

type Columns = { readonly columns: number };

/** y[r, c] = exp(x[r, c]) / Σ over k of exp(x[r, k]). */
export function softmaxReference(
  { x, y }: Arrays<"x" | "y">,
  { columns }: Columns,
): void {
  for (let first = 0; first < x.length; first += columns) {
    let largest = -Infinity;
    for (let i = first; i < first + columns; i++) largest = Math.max(largest, x[i]!);
    let sum = 0;
    for (let i = first; i < first + columns; i++) sum += Math.exp(x[i]! - largest);
    for (let i = first; i < first + columns; i++) y[i] = Math.exp(x[i]! - largest) / sum;
  }
}

/** dx = y · (dy − Σ over the row of dy · y). */
export function softmaxGradientReference(
  { y, dy, dx }: Arrays<"y" | "dy" | "dx">,
  { columns }: Columns,
): void {
  for (let first = 0; first < y.length; first += columns) {
    let mean = 0;
    for (let i = first; i < first + columns; i++) mean += dy[i]! * y[i]!;
    for (let i = first; i < first + columns; i++) dx[i] = y[i]! * (dy[i]! - mean);
  }
}
