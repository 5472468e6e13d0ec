import * as tf from "../../core/tf.ts";
import { nativeEngine } from "../../native/engine.ts";
import type { BiasedConvOptions } from "../conv2d/conv2d.ts";
import {
  type ConvSizes,
  convSizes,
  explicitPadding,
  gradientPadding,
} from "../conv2d/conv_sizes.ts";
import { columnSum } from "../sums/sums.ts";
import {
  depthwiseConv2dFilterGradient,
  depthwiseConv2dInputGradient,
  fusedDepthwiseConv2d,
} from "./webgpu.ts";

/**
 * Depthwise convolution of stride 1 with all gradients, any dilation and padding.
 *
 * y[b, r, s, c] = Σ over i, j of
 *   x[b, r + i·dilation − padding, …, c] · w[i, j, c] (+ bias[c])
 *
 * @param x [B, H, W, C]
 * @param filter [KH, KW, C, 1]
 * @returns [B, OH, OW, C]; the caller owns it.
 * @throws {RangeError} If the filter is too large.
 */
export function depthwiseConv2d(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  { dilation = 1, padding = 0, bias }: Omit<BiasedConvOptions, "stride"> = {},
): tf.Tensor4D {
  const [KH, KW] = filter.shape;
  const sizes = convSizes(x.shape, [KH, KW], { dilation, padding });
  // XNNPACK takes the input gradient as a convolution of a padded map.
  const isNative = nativeEngine() !== null && dilation === 1;
  if (
    tf.getBackend() !== "webgpu" && !isNative && Math.min(...gradientPadding(sizes)) >= 0
  ) {
    const y = xnnpackDepthwiseConv2d(x, filter, sizes);
    return bias ? tf.add(y, bias) : y;
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

// On wasm XNNPACK's convolution is faster than a plain loop.
function xnnpackDepthwiseConv2d(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  sizes: ConvSizes,
): tf.Tensor4D {
  // tfjs's depthwise convolution takes no explicit padding on every backend; tf.pad does.
  const convolve = (
    x: tf.Tensor4D,
    filter: tf.Tensor4D,
    rows: number,
    columns: number,
  ) => {
    const padded = rows + columns === 0 ? x : tf.pad(x, explicitPadding(rows, columns));
    return tf.depthwiseConv2d(padded, filter, 1, "valid", "NHWC", sizes.dilation);
  };
  return tf.differentiable<tf.Tensor4D>(
    { x, filter },
    (save) => {
      save([x, filter]);
      return convolve(x, filter, sizes.padding, sizes.padding);
    },
    (dy, saved) => {
      const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
      return {
        x: () => {
          const flippedFilter = tf.reverse(filter, [0, 1]);
          return convolve(dy as tf.Tensor4D, flippedFilter, ...gradientPadding(sizes));
        },
        filter: () => depthwiseConv2dFilterGradient(x, dy, sizes),
      };
    },
  );
}
