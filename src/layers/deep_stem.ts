import type { Layer } from "../core/network.ts";
import { chain } from "./chain.ts";
import { convNormRelu } from "./conv_norm_relu.ts";

/**
 * The start of a ResNet with three 3×3 convolutions instead of one of 7×7, the first with
 * stride 2 and the first two with half of the channels, each with batch norm and ReLU.
 *
 * Source: He et al., "Bag of Tricks" (CVPR 2019), https://arxiv.org/abs/1812.01187.
 *
 * @param names Of each convolution and its norm.
 * @param width Channels at the end.
 * @throws {RangeError} If the width is odd.
 */
export function deepStem(
  names: readonly (readonly [conv: string, norm: string])[],
  width: number,
): Layer {
  if (width % 2 !== 0) {
    throw new RangeError(
      `Cannot build a ResNet: "stem" must be even, because its first half has half as ` +
        `many channels: received ${width}`,
    );
  }
  const channels = [3, width / 2, width / 2, width];
  return chain(
    names.map((pair, i) =>
      convNormRelu(pair, channels[i] ?? width, channels[i + 1] ?? width, {
        kernel: 3,
        stride: i === 0 ? 2 : 1,
      })
    ),
  ); // [B, H/2, W/2, width]
}
