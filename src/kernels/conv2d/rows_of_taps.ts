import * as tf from "../../core/tf.ts";
import type { ConvSizes } from "../conv_sizes.ts";
import { mostNumbers } from "../webgpu.ts";

// Images have three; from here on, four numbers at a time fit into one tap.
const FEW_CHANNELS = 4;

/**
 * Makes one wide tap of each row of a filter that sees few channels.
 *
 * Without dilation the taps of a row read neighbouring numbers, KW · C of them, so a
 * filter of 7×7 taps and 3 channels is one of 7×1 taps and 21 channels on a map whose
 * pixels still lie 3 apart. The borders become part of the map, since a wide tap may
 * reach over them.
 *
 * @returns The map and sizes to use, unchanged where this does not help or cannot be done.
 */
export function rowsOfTaps(
  x: tf.Tensor,
  sizes: ConvSizes,
): { x: tf.Tensor; sizes: ConvSizes } {
  const { height, width, channels, kernelWidth, dilation, padding } = sizes;
  const padded = sizes.batch * (height + 2 * padding) * (width + 2 * padding) * channels;
  const helps = channels < FEW_CHANNELS && kernelWidth > 1 && dilation === 1;
  if (!helps || tf.getBackend() !== "webgpu" || padded > mostNumbers()) {
    return { x, sizes };
  }
  const around: [number, number] = [padding, padding];
  return {
    x: padding === 0 ? x : tf.pad(x, [[0, 0], around, around, [0, 0]]),
    sizes: {
      ...sizes,
      height: height + 2 * padding,
      width: width + 2 * padding,
      padding: 0,
      kernelWidth: 1,
      channels: kernelWidth * channels,
    },
  };
}
