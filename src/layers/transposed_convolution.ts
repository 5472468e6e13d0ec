import { type Initial, type Layer, weightOf } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { transposedConv2d } from "../ops/transposed_conv2d.ts";
import { parameter } from "./parameter.ts";

/**
 * A transposed convolution whose stride is the side of its filter: every pixel becomes a
 * patch. Starts as PyTorch's, weight and bias uniform in ±1/√(O·K²).
 *
 * @param name Parameters are `<name>.weight` [I, O, K, K in PyTorch] and `<name>.bias` [O].
 * @param kernel Side of a patch, in pixels.
 */
export function transposedConvolution(
  name: string,
  inputs: number,
  outputs: number,
  kernel: number,
): Layer {
  // PyTorch counts the fan of a transposed filter by its outputs.
  const start: Initial = { kind: "uniform", bound: (outputs * kernel ** 2) ** -0.5 };
  const shape = [kernel, kernel, outputs, inputs];
  const filter = parameter(`${name}.weight`, shape, "convolution", start);
  const shift = parameter(`${name}.bias`, [outputs], "plain", start);
  return {
    parameters: [filter, shift],
    apply: (weights, x) =>
      tf.add(transposedConv2d(x, weightOf(weights, filter)), weightOf(weights, shift)),
  };
}
