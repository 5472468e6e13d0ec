/**
 * Sizes that depend on the input: a network is traced with inputs of several sizes, and a
 * number is known by its value in each of them.
 *
 * @module
 */

/** A whole number: one, or its value in each trace where these differ. */
export type Size = number | readonly number[];

/** The size of values per trace; one number where all are equal. */
export function sizeOf(values: readonly number[]): Size {
  const [first = 0] = values;
  return values.every((value) => value === first) ? first : values;
}

/** The value of a size in a trace. */
export const valueAt = (size: Size, trace: number): number =>
  typeof size === "number" ? size : size[trace] ?? NaN;

/** A function of sizes, computed in each trace. */
export function mapSizes(
  sizes: readonly Size[],
  compute: (...values: number[]) => number,
): Size {
  const traces = Math.max(1, ...sizes.map((size) => isVarying(size) ? size.length : 1));
  return sizeOf(
    Array.from(
      { length: traces },
      (_, k) => compute(...sizes.map((size) => valueAt(size, k))),
    ),
  );
}

/** Whether a size differs between traces. */
export const isVarying = (size: Size): size is readonly number[] =>
  typeof size !== "number";

/** Whether two sizes are equal in every trace. */
export const equalSizes = (a: Size, b: Size): boolean =>
  typeof a === "number" || typeof b === "number"
    ? a === b
    : a.every((value, k) => value === b[k]);

/** Whether two shapes are equal in every trace. */
export const equalShapes = (a: readonly Size[], b: readonly Size[]): boolean =>
  a.length === b.length && a.every((size, i) => equalSizes(size, b[i] ?? NaN));
