import type { Layer } from "../core/network.ts";
import * as tf from "../core/tf.ts";
import { convNorm, type ConvNormOptions } from "./conv_norm.ts";
import { dropout } from "./dropout.ts";

/** Shape and start of a convolution with batch norm, ReLU and dropout. */
export interface ConvNormReluOptions extends ConvNormOptions {
  /** Share of channels dropped at the end. @default {0} */
  readonly dropout?: number;
}

/**
 * Convolution, batch norm, ReLU and dropout of whole channels; the maps keep their size
 * but for the stride.
 *
 * @param names Of the convolution, which also names the draws of the dropout, and of the
 * norm.
 */
export function convNormRelu(
  names: readonly [string, string],
  inputs: number,
  outputs: number,
  { dropout: rate = 0, ...options }: ConvNormReluOptions,
): Layer {
  const layer = convNorm(names, inputs, outputs, options);
  return {
    parameters: layer.parameters,
    apply(weights, x, pass) {
      const seen = tf.relu(layer.apply(weights, x, pass));
      return dropout(names[0], seen, rate, "channel", pass);
    },
  };
}
