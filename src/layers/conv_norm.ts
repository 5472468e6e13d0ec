import type { Layer } from "../core/network.ts";
import { batchNorm } from "./batch_norm.ts";
import { convolution, type Start } from "./convolution.ts";
import { parametersOf } from "./parameter.ts";

/** Shape and start of a convolution with batch norm. */
export interface ConvNormOptions {
  /** Side of the square filter, odd, in pixels. */
  readonly kernel: number;
  /** @default {1} */
  readonly stride?: number;
  /** @default {1} */
  readonly dilation?: number;
  /**
   * Of the convolution; the norm makes it superfluous, but published networks have it.
   * @default {false}
   */
  readonly bias?: boolean;
  /** Of the convolution. @default {"he"} */
  readonly start?: Start;
  /**
   * Whether the scale of the norm starts at 0, so that a fresh layer answers 0.
   * @default {false}
   */
  readonly silent?: boolean;
}

/**
 * Convolution and batch norm, each with a name of its own; the maps keep
 * their size but for the stride.
 *
 * @param names Of the convolution and of the norm.
 */
export function convNorm(
  [convName, normName]: readonly [string, string],
  inputs: number,
  outputs: number,
  options: ConvNormOptions,
): Layer {
  const { kernel, stride = 1, dilation = 1, silent = false } = options;
  const padding = dilation * (kernel - 1) / 2;
  const conv = convolution(convName, inputs, outputs, {
    kernel,
    stride,
    dilation,
    padding,
    bias: options.bias ?? false,
    start: options.start ?? "he",
  });
  const norm = batchNorm(normName, outputs);
  const parameters = parametersOf(conv, norm);
  return {
    parameters: !silent
      ? parameters
      : parameters.map((one) =>
        one.name === `${normName}.weight`
          ? { ...one, initial: { kind: "constant", value: 0 } }
          : one
      ),
    apply: (weights, x, pass) => norm.apply(weights, conv.apply(weights, x, pass), pass),
  };
}
