import * as tf from "../../src/core/tf.ts";
import {
  type ConvOptions,
  convSizes,
  gradientPadding,
} from "../../src/ops/conv2d/conv_sizes.ts";
import type * as ours from "../../src/ops/depthwise_conv2d/depthwise_conv2d.ts";
import {
  addBias,
  type ExplicitPadding,
  explicitPadding,
  im2colColumns,
  zerosAround,
} from "./conv2d.ts";

/** tfjs's depthwise convolution, and the bias added to it. */
export const depthwiseConv2d: typeof ours.depthwiseConv2d = (
  ...[x, filter, { bias, ...options } = {}]
) => addBias(depthwiseConv2dWithoutBias(x, filter, options), bias);

/**
 * tfjs's depthwise convolution of stride 1. Its own gradients where it has them (webgpu, no
 * dilation), else a convolution with the flipped filter, and a sum of products per tap.
 */
function depthwiseConv2dWithoutBias(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  { dilation = 1, ...options }: ConvOptions,
): tf.Tensor4D {
  const [KH, KW, C] = filter.shape;
  const run = (maps: tf.Tensor4D, weights: tf.Tensor4D, zeros: ExplicitPadding) => {
    const isWhole = zeros.flat().every((count) => count === 0);
    const padded = isWhole ? maps : tf.pad(maps, zeros);
    return tf.depthwiseConv2d(padded, weights, 1, "valid", "NHWC", dilation);
  };
  const sizes = convSizes(x.shape, [KH, KW], { ...options, dilation });
  if (sizes.stride > 1) {
    throw new RangeError(
      `Cannot convolve depthwise with stride ${sizes.stride} in tfjs: its gradients are ` +
        "missing on wasm; measure a network without",
    );
  }
  if (tf.getBackend() === "webgpu" && dilation === 1) {
    return tf.tidy(() => run(x, filter, zerosAround(sizes)));
  }
  return tf.differentiable<tf.Tensor4D>(
    { x, filter },
    (save) => {
      save([x, filter]);
      return run(x, filter, zerosAround(sizes));
    },
    (dy, saved) => {
      const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
      return {
        x: () => {
          const flippedFilter = tf.reverse(filter, [0, 1]);
          const zeros = explicitPadding(...gradientPadding(sizes));
          return run(dy as tf.Tensor4D, flippedFilter, zeros);
        },
        filter: () =>
          tf.tidy(() => {
            const sums = im2colColumns(x, sizes).map((column) =>
              tf.sum(tf.mul(column, dy), [0, 1, 2])
            );
            return tf.reshape(tf.stack(sums), [KH, KW, C, 1]);
          }),
      };
    },
  );
}
