import type { Cells } from "../kernel.ts";

/** total[0] = Σ x / divisor. */
export function totalReference(x: Cells, total: Cells, divisor: number): void {
  let sum = 0;
  for (const value of x) sum += value;
  total[0] = sum / divisor;
}
