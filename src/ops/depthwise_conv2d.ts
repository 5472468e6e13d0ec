import * as tf from "../core/tf.ts";
import { columnSum } from "../kernels/column_sum/mod.ts";
import { type ConvSizes, convSizes } from "../kernels/conv_sizes.ts";
import { depthwise, depthwiseInputGradient } from "../kernels/depthwise/mod.ts";
import { depthwiseFilter } from "../kernels/depthwise_filter/mod.ts";
import type { BiasedConvOptions } from "./conv2d.ts";

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
  if (tf.getBackend() !== "webgpu" && canPad(sizes)) {
    const y = padded(x, filter, sizes);
    return bias ? tf.add(y, bias) : y;
  }
  return tf.differentiable<tf.Tensor4D>(
    { x, filter, ...(bias && { bias }) },
    (save) => {
      save([x, filter]);
      return depthwise(x, filter, sizes, { bias });
    },
    (dy, saved) => {
      const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
      return {
        x: () => depthwiseInputGradient(dy, filter, sizes),
        filter: () => depthwiseFilter(x, dy, sizes),
        bias: () => columnSum(dy),
      };
    },
  );
}

// Whether the input gradient is a convolution of a padded map, as XNNPACK takes it.
function canPad({ kernelHeight, kernelWidth, dilation, padding }: ConvSizes): boolean {
  return padding <= dilation * (Math.min(kernelHeight, kernelWidth) - 1);
}

// The way of the wasm backend, whose convolution is faster than a plain loop.
function padded(x: tf.Tensor4D, filter: tf.Tensor4D, sizes: ConvSizes): tf.Tensor4D {
  const { kernelHeight, kernelWidth, dilation, padding } = sizes;
  return tf.differentiable<tf.Tensor4D>(
    { x, filter },
    (save) => {
      save([x, filter]);
      return run(x, filter, [padding, padding], dilation);
    },
    (dy, saved) => {
      const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
      const top = dilation * (kernelHeight - 1) - padding;
      const left = dilation * (kernelWidth - 1) - padding;
      return {
        x: () => {
          const turned = tf.reverse(filter, [0, 1]);
          return run(dy as tf.Tensor4D, turned as tf.Tensor4D, [top, left], dilation);
        },
        filter: () => depthwiseFilter(x, dy, sizes),
      };
    },
  );
}

function run(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  [top, left]: [number, number],
  dilation: number,
): tf.Tensor4D {
  // tfjs's depthwise convolution takes no explicit padding on every backend; tf.pad does.
  const padded = top + left === 0
    ? x
    : tf.pad(x, [[0, 0], [top, top], [left, left], [0, 0]]);
  return tf.depthwiseConv2d(padded, filter, 1, "valid", "NHWC", dilation);
}
