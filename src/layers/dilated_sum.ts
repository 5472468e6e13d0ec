import type { Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { convolution, type Start } from "./convolution.ts";
import { parametersOf } from "./parameter.ts";

/**
 * The sum of 3×3 convolutions of several dilations; the maps keep their size.
 *
 * Source: Chen et al., "DeepLab" (TPAMI 2018), https://arxiv.org/abs/1606.00915.
 *
 * @param branches Name and dilation of each convolution.
 * @throws {RangeError} If there is none.
 */
export function dilatedSum(
  branches: readonly (readonly [name: string, dilation: number])[],
  inputs: number,
  outputs: number,
  start: Start,
): Layer {
  if (branches.length === 0) {
    throw new RangeError(
      'Cannot build a DeepLabV2 head: "dilations" must name at least one branch',
    );
  }
  const layers = branches.map(([name, dilation]) =>
    convolution(name, inputs, outputs, {
      kernel: 3,
      dilation,
      padding: dilation,
      start,
    })
  );
  return {
    parameters: parametersOf(...layers),
    apply: (weights, x, pass) =>
      tf.addN(layers.map((layer) => layer.apply(weights, x, pass))),
  };
}
