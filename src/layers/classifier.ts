import type { Layer } from "../core/network.ts";
import { convolution, type ConvolutionInit } from "./convolution.ts";
import { dropout } from "./dropout.ts";

// Standard deviation of fresh weights, as in mmsegmentation.
const INIT_STD = 0.01;

/**
 * The end of most heads: dropout of whole channels, then a 1×1 convolution to the classes.
 *
 * @param name Of the head; also names the draws of the dropout.
 * @param dropoutRate Share of channels dropped.
 * @param convName Parameters are `<convName>.*`, by default `<name>.conv_seg.*`.
 */
export function classifier(
  name: string,
  channels: number,
  classes: number,
  dropoutRate: number,
  convName: string = `${name}.conv_seg`,
  init: ConvolutionInit = INIT_STD,
): Layer {
  const conv = convolution(convName, channels, classes, { kernelSize: 1, init });
  return {
    parameters: conv.parameters,
    apply: (weights, x, context) =>
      conv.apply(weights, dropout(name, x, dropoutRate, "channel", context), context),
  };
}
