import type { Cells } from "../kernel.ts";

/** total[0] = factor · Σ x. */
export function totalReference(x: Cells, total: Cells, factor: number): void {
  let sum = 0;
  for (const value of x) sum += value;
  total[0] = sum * factor;
}
