import * as tf from "../../core/tf.ts";
import type { BiasedConvOptions } from "../conv2d/conv2d.ts";
import { convSizes } from "../conv2d/conv_sizes.ts";
import { columnSum } from "../sums/sums.ts";
import {
  depthwiseConv2dFilterGradient,
  depthwiseConv2dInputGradient,
  fusedDepthwiseConv2d,
} from "./fused_depthwise_conv2d.ts";

/**
 * Depthwise convolution with all gradients, any padding, and any stride or any dilation.
 *
 * y[b, r, s, c] = Σ over i, j of
 *   x[b, r·stride + i·dilation − padding, …, c] · w[i, j, c] (+ bias[c])
 *
 * @param x [B, H, W, C]
 * @param filter [KH, KW, C, 1]
 * @returns [B, OH, OW, C]; the caller owns it.
 * @throws {RangeError} If the filter is too large, or has a stride and a dilation.
 */
export function depthwiseConv2d(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  { bias, ...options }: BiasedConvOptions = {},
): tf.Tensor4D {
  const [KH, KW] = filter.shape;
  const sizes = convSizes(x.shape, [KH, KW], options);
  const { stride, dilation } = sizes;
  if (stride > 1 && dilation > 1) {
    throw new RangeError(
      `Cannot convolve depthwise with stride ${stride} and dilation ${dilation}: one of ` +
        "them must be 1",
    );
  }
  return tf.differentiable<tf.Tensor4D>(
    { x, filter, ...(bias && { bias }) },
    (save) => {
      save([x, filter]);
      return fusedDepthwiseConv2d(x, filter, sizes, { bias });
    },
    (dy, saved) => {
      const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
      return {
        x: () => depthwiseConv2dInputGradient(dy, filter, sizes),
        filter: () => depthwiseConv2dFilterGradient(x, dy, sizes),
        bias: () => columnSum(dy),
      };
    },
  );
}
