/** Element-wise comparison with the rules of `vec_*` goldens. @module */
import { readBack } from "../../../src/core/backend.ts";
import type * as tf from "../../../src/core/tf.ts";
import { checkError, type CheckResult, maxAbsolute } from "../../../src/doctor/check.ts";

/** How large max|a − b| may be: relative · max|b| + absolute. */
export interface Tolerance {
  /** A share of the largest recorded element. */
  readonly relative?: number;
  /** On top of it. */
  readonly absolute?: number;
}

/** Operators and losses. */
export const FORWARD: Tolerance = { relative: 1e-5 };
/** Their gradients. */
export const GRADIENT: Tolerance = { relative: 5e-5 };
/** Integers, masks, labels. */
export const EXACT: Tolerance = {};

/**
 * Compares numbers.
 *
 * @returns A line whose error is a share of max|b| if the tolerance is only relative, else
 * max|a − b|.
 */
export function compare(
  name: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { relative = 0, absolute = 0 }: Tolerance,
): CheckResult {
  if (actual.length !== expected.length) {
    return failedCheck(name, `${actual.length} numbers instead of ${expected.length}`);
  }
  const { error, largest } = maxAbsolute(actual, expected);
  // Zeros have no share.
  const unit = absolute === 0 && relative > 0 && largest > 0 ? largest : 1;
  return checkError(name, error / unit, (relative * largest + absolute) / unit);
}

/** As {@linkcode compare} for a tensor, which it releases. */
export async function compareTensor(
  name: string,
  actual: tf.Tensor,
  expected: ArrayLike<number>,
  tolerance: Tolerance,
): Promise<CheckResult> {
  const values = await readBack(actual);
  actual.dispose();
  return compare(name, values, expected, tolerance);
}

/** A failed line for what could not be compared, and why. */
export function failedCheck(name: string, why: string): CheckResult {
  return checkError(name, NaN, 0, why);
}

/** The same line with a remark, for instance on what the golden leaves unsaid. */
export function withNote(result: CheckResult, note: string): CheckResult {
  return {
    ...result,
    note: result.note === undefined ? note : `${result.note}; ${note}`,
  };
}
