// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";

/** Keys, and what belongs to each. */
export interface Pairs {
  /** 0 … 2³⁰ − 1 */
  readonly keys: Int32Array;
  readonly items: Int32Array;
}

/** Bits of a digit: three digits are a key. */
const DIGIT_BITS = 10;
const DIGITS = 2 ** DIGIT_BITS;

/**
 * Sorts the first pairs by their keys, ascending; equal keys keep their order.
 *
 * @param from Is overwritten.
 * @param to Gets the result.
 */
export function radixSort(from: Pairs, to: Pairs, count: number): void {
  // The three histograms do not depend on the order, so that one pass makes them all.
  const places = new Int32Array(3 * DIGITS);
  for (let i = 0; i < count; i++) {
    const key = from.keys[i]!;
    places[key & (DIGITS - 1)]!++;
    places[DIGITS + ((key >> DIGIT_BITS) & (DIGITS - 1))]!++;
    places[2 * DIGITS + (key >> (2 * DIGIT_BITS))]!++;
  }
  let [source, target] = [from, to];
  for (let round = 0; round < 3; round++) {
    const next = places.subarray(round * DIGITS, (round + 1) * DIGITS);
    let before = 0;
    for (let digit = 0; digit < DIGITS; digit++) {
      const here = next[digit]!;
      next[digit] = before;
      before += here;
    }
    scatter(source, target, count, round * DIGIT_BITS, next);
    [source, target] = [target, source];
  }
}

function scatter(
  { keys, items }: Pairs,
  target: Pairs,
  count: number,
  shift: number,
  next: Int32Array,
): void {
  for (let i = 0; i < count; i++) {
    const key = keys[i]!;
    const place = next[(key >> shift) & (DIGITS - 1)]!++;
    target.keys[place] = key;
    target.items[place] = items[i]!;
  }
}

/** Each row of pairs, sorted by its keys. */
export function radixSortReference(
  { keys, items, sortedKeys, sortedItems }: Arrays<
    "keys" | "items" | "sortedKeys" | "sortedItems"
  >,
  { count }: { readonly count: number },
): void {
  for (let first = 0; first < keys.length; first += count) {
    const rowOf = (array: ArrayLike<number>) =>
      (array as Int32Array).subarray(first, first + count);
    const from = { keys: rowOf(keys).slice(), items: rowOf(items).slice() };
    radixSort(from, { keys: rowOf(sortedKeys), items: rowOf(sortedItems) }, count);
  }
}
