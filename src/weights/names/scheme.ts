/** What a naming scheme is. @module */

import type { Rule } from "./rule.ts";

/** Names and shapes of a file's tensors. */
export type Described = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/** The names that some code base gives to weights, and how they become ours. */
export interface Scheme {
  /** As in `--names`. */
  readonly name: string;
  /** Whose names these are, in a line. */
  readonly what: string;
  /** Whether a file has these names, where the schemes before this one do not know it. */
  readonly detect: (tensors: Described) => boolean;
  /**
   * The first row that fits a name holds. Names that no row fits stay, so that whoever
   * loads the weights finds them unexpected.
   */
  readonly rules: readonly Rule[];
  /**
   * Parameters here that such files may lack as a whole, and by which of our names one
   * knows that they are of that network; both are patterns.
   */
  readonly mayLack: readonly { readonly parameters: string; readonly where: string }[];
}
