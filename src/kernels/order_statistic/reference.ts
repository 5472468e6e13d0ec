// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Cells } from "../kernel.ts";

/** Values from here on stand for "no value". */
export const NO_VALUE = 3e38;
const LARGEST = 3.4e38;

/** result = the sorted values at `rank`, or at share · (n − 1) if rank is 2³² − 1. */
export function orderStatisticReference(
  values: Cells,
  result: Cells,
  rank: number,
  share: number,
): void {
  const sorted = values.slice().sort();
  let n = sorted.length;
  while (n > 0 && sorted[n - 1]! >= NO_VALUE) n--;
  const position = rank === 0xffffffff ? share * (Math.max(n, 1) - 1) : rank;
  const low = Math.min(Math.floor(position), sorted.length - 1);
  const lower = sorted[low]!;
  const fraction = position - Math.floor(position);
  const upper = fraction > 0 ? sorted[low + 1]! : lower;
  result[0] = n === 0 ? LARGEST : lower + (upper - lower) * fraction;
}
