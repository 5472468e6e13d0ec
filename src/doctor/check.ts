/** One line of a verification. @module */

/** What was compared, how far off it is, and how far it may be. */
export interface CheckResult {
  /** Of the tensor or figure. */
  readonly name: string;
  /** In the measure that `tolerance` has; NaN never passes. */
  readonly error: number;
  /** In the same measure. */
  readonly tolerance: number;
  /** Whether the error is within it. */
  readonly passed: boolean;
  /** Said of a failure or an oddity. */
  readonly note?: string;
}

/** Compares an error with its tolerance. */
export function checkError(
  name: string,
  error: number,
  tolerance: number,
  note?: string,
): CheckResult {
  const passed = error <= tolerance; // false for NaN
  return { name, error, tolerance, passed, ...(note !== undefined && { note }) };
}

/** max|a − b| / max|b|, NaN if the lengths differ or anything is NaN. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const { error, largest } = maxAbsolute(a, b);
  return error === 0 ? 0 : error / largest;
}

/** max|a − b| and max|b|; NaN if the lengths differ or anything is NaN. */
export function maxAbsolute(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): { error: number; largest: number } {
  if (a.length !== b.length) return { error: NaN, largest: NaN };
  let error = 0;
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs(Number(a[i]) - Number(b[i]));
    // Written so that NaN wins.
    if (!(difference <= error)) error = difference;
    largest = Math.max(largest, Math.abs(Number(b[i])));
  }
  return { error, largest };
}

/** ‖a − b‖₂ and ‖b‖₂. */
export function l2Norms(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): { difference: number; size: number } {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (Number(a[i]) - Number(b[i])) ** 2;
    size += Number(b[i]) ** 2;
  }
  return { difference: Math.sqrt(difference), size: Math.sqrt(size) };
}

/** The q-quantile, 0 … 1, without interpolation; 0 of nothing. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}
