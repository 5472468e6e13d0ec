import { type Parameter, weightOf, type Weights } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { parameter } from "./parameter.ts";

/** Adds a share of a change to a map. */
export interface GatedResidual {
  readonly parameters: readonly Parameter[];
  /** @returns x + γ · change, shaped like both; the caller owns it. */
  apply(weights: Weights, x: tf.Tensor4D, change: tf.Tensor4D): tf.Tensor4D;
}

/**
 * A residual branch with a learned factor that starts at 0: it begins as if the branch
 * were not there.
 *
 * @param name The parameter is `<name>.scale`, a scalar.
 */
export function gatedResidual(name: string): GatedResidual {
  const factor = parameter(`${name}.scale`, [], "plain", { kind: "constant", value: 0 });
  return {
    parameters: [factor],
    apply: (weights, x, change) =>
      tf.add(x, tf.mul(change, weightOf<tf.Scalar>(weights, factor))),
  };
}
