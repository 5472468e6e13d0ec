import type { Layer } from "../core/network.ts";
import { convolution } from "./convolution.ts";
import { dropout } from "./dropout.ts";

// Deviation of the fresh weights, as in mmsegmentation.
const DEVIATION = 0.01;

/**
 * The end of most heads: whole channels dropped, then a 1×1 convolution to the classes.
 *
 * @param head Parameters are `<head>.conv_seg.*`; also names the draws of the dropout.
 * @param rate Share of channels dropped.
 */
export function classifier(
  head: string,
  channels: number,
  classes: number,
  rate: number,
): Layer {
  const classify = convolution(`${head}.conv_seg`, channels, classes, {
    kernel: 1,
    start: DEVIATION,
  });
  return {
    parameters: classify.parameters,
    apply: (weights, x, pass) =>
      classify.apply(weights, dropout(head, x, rate, "channel", pass), pass),
  };
}
