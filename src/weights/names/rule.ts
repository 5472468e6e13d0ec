/** The rows of a naming scheme's table. @module */

import type { HostTensor } from "../../core/host_tensor.ts";

/** Tensors of a file → tensors under our names; patterns as in `pattern.ts`. */
export interface MakeRule {
  readonly kind: "make";
  /** Names in the file; all of them have the same variable parts. */
  readonly from: readonly string[];
  /** Names here. */
  readonly to: readonly string[];
  /** Values of `from` → values of `to`. */
  readonly make: (values: readonly HostTensor[]) => readonly HostTensor[];
}

/** What to do with the tensors whose names fit a pattern. */
export type Rule =
  | MakeRule
  /** One tensor under several names: once for each name of the file that fits `each`. */
  | {
    readonly kind: "share";
    readonly from: string;
    readonly to: string;
    readonly each: string;
  }
  /** A weight without use here, which is reported. */
  | { readonly kind: "leave out"; readonly from: string }
  /** A buffer that follows from shapes, which is not. */
  | { readonly kind: "computed"; readonly from: string }
  /** No network here has it. */
  | { readonly kind: "refuse"; readonly from: string; readonly because: string };

/** The same tensor under another name. */
export const renamed = (from: string, to: string): Rule => ({
  kind: "make",
  from: [from],
  to: [to],
  make: (values) => values,
});

/** One tensor with another value. */
export const changed = (
  from: string,
  to: string,
  change: (value: HostTensor) => HostTensor,
): Rule => ({
  kind: "make",
  from: [from],
  to: [to],
  make: (values) => values.map(change),
});

/** Several tensors as one. */
export const joined = (
  from: readonly string[],
  to: string,
  join: (values: readonly HostTensor[]) => HostTensor,
): Rule => ({ kind: "make", from, to: [to], make: (values) => [join(values)] });

/** One tensor as several. */
export const split = (
  from: string,
  to: readonly string[],
  part: (value: HostTensor) => readonly HostTensor[],
): Rule => ({ kind: "make", from: [from], to, make: (values) => values.flatMap(part) });

/** One tensor for every name of the file that fits `each`. */
export const shared = (from: string, to: string, each: string): Rule => ({
  kind: "share",
  from,
  to,
  each,
});

/** A weight that is left out and reported. */
export const leftOut = (from: string): Rule => ({ kind: "leave out", from });

/** A buffer that follows from shapes. */
export const computed = (from: string): Rule => ({ kind: "computed", from });

/**
 * A tensor that no network here has.
 *
 * @param because The end of a sentence that begins with "Cannot use the weights of …: ".
 */
export const refused = (from: string, because: string): Rule => ({
  kind: "refuse",
  from,
  because,
});
