import type { Parameter } from "../core/network.ts";

/** What sets a parameter's step apart from others'. */
export interface ParameterGroup {
  /** Times the base rate. */
  readonly rateFactor: number;
  /** Whether weight decay applies. */
  readonly decayed: boolean;
}

/** DAFormer's rule, and the decoders of the semi-supervised branch. */
const HEAD = /head|^decoder\.|^auxor\./;

/**
 * The group of a parameter, by its name.
 *
 * "head" anywhere in the name, or "decoder." or "auxor." before it: the head's rate,
 * decayed, its norms too. Else "norm": not decayed. Else: the base rate, decayed. The
 * first match wins, as in DAFormer.
 */
export function groupOf({ name }: Parameter, headFactor: number): ParameterGroup {
  if (HEAD.test(name)) return { rateFactor: headFactor, decayed: true };
  return { rateFactor: 1, decayed: !name.includes("norm") };
}
