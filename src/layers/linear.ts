import { type Initial, type Layer, weightOf } from "../core/network.ts";
import type * as tf from "../core/tf.ts";
import { linear as apply } from "../ops/linear.ts";
import { parameter } from "./parameter.ts";

/** How a {@linkcode linear} layer starts. */
export type LinearStart = "transformer" | "pytorch";

/**
 * A matrix on the last axis: y = x · W + b.
 *
 * @param name Parameters are `<name>.weight` [O, I in PyTorch] and `<name>.bias` [O].
 * @param start "transformer": truncated normal of deviation 0.02, bias 0. "pytorch":
 * both uniform in ±1/√I, the default of PyTorch.
 */
export function linear(
  name: string,
  inputs: number,
  outputs: number,
  start: LinearStart = "transformer",
): Layer<tf.Tensor4D> {
  const uniform: Initial = { kind: "uniform", bound: inputs ** -0.5 };
  const [forWeight, forBias]: [Initial, Initial] = start === "pytorch"
    ? [uniform, uniform]
    : [{ kind: "truncated-normal", deviation: 0.02 }, { kind: "constant", value: 0 }];
  const weight = parameter(`${name}.weight`, [inputs, outputs], "linear", forWeight);
  const bias = parameter(`${name}.bias`, [outputs], "plain", forBias);
  return {
    parameters: [weight, bias],
    apply: (weights, x) =>
      apply(x, weightOf(weights, weight), weightOf(weights, bias)) as tf.Tensor4D,
  };
}
