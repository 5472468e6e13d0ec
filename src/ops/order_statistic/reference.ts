// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";

/** Put this in place of a value that `percentile` must not count; larger ones do, too. */
export const NO_VALUE = 3e38;
const EMPTY_RESULT = 3.4e38;

/** The rank that stands for `fraction` · (n − 1), n being the values that count. */
export const RANK_OF_FRACTION = 0xffffffff;

/** result = the sorted values at `rank`, or between two where the fraction says so. */
export function orderStatisticReference(
  { values, result }: Arrays<"values" | "result">,
  { count, rank, fraction }: Readonly<Record<"count" | "rank" | "fraction", number>>,
): void {
  const sorted = values.slice(0, count).sort();
  let n = sorted.length;
  while (n > 0 && sorted[n - 1]! >= NO_VALUE) n--;
  const position = rank === RANK_OF_FRACTION ? fraction * (Math.max(n, 1) - 1) : rank;
  const low = Math.min(Math.floor(position), sorted.length - 1);
  const lower = sorted[low]!;
  const remainder = position - Math.floor(position);
  const upper = remainder > 0 ? sorted[low + 1]! : lower;
  result[0] = n === 0 ? EMPTY_RESULT : lower + (upper - lower) * remainder;
}
