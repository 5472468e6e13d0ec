import { type Initializer, type Layer, weightOf } from "../core/network.ts";
import type * as tf from "../core/tf.ts";
import { linear as multiplyMatrix } from "../ops/linear.ts";
import { parameter } from "./parameter.ts";

/** The initial values of a {@linkcode linear} layer. */
export type LinearInit = "transformer" | "pytorch";

/**
 * A matrix on the last axis: y = x · W + b.
 *
 * @param name Parameters are `<name>.weight` [O, I in PyTorch] and `<name>.bias` [O].
 * @param init "transformer": truncated normal with standard deviation 0.02, bias 0.
 * "pytorch": both uniform in ±1/√I, the default of PyTorch.
 */
export function linear(
  name: string,
  inFeatures: number,
  outFeatures: number,
  init: LinearInit = "transformer",
): Layer<tf.Tensor4D> {
  const uniform: Initializer = { kind: "uniform", bound: inFeatures ** -0.5 };
  const [weightInit, biasInit]: [Initializer, Initializer] = init === "pytorch"
    ? [uniform, uniform]
    : [{ kind: "truncated-normal", std: 0.02 }, { kind: "constant", value: 0 }];
  const shape = [inFeatures, outFeatures];
  const weight = parameter(`${name}.weight`, shape, "linear", weightInit);
  const bias = parameter(`${name}.bias`, [outFeatures], "plain", biasInit);
  return {
    parameters: [weight, bias],
    apply: (weights, x) =>
      multiplyMatrix(
        x,
        weightOf(weights, weight),
        weightOf(weights, bias),
      ) as tf.Tensor4D,
  };
}
