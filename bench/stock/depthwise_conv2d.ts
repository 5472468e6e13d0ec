import * as tf from "../../src/core/tf.ts";
import { type ConvOptions, convSizes } from "../../src/kernels/conv_sizes.ts";
import type { BiasedConvOptions } from "../../src/ops/conv2d.ts";
import { around, tapsOf } from "./conv2d.ts";

/** tfjs's depthwise convolution, and the bias added to it. */
export function depthwiseConv2d(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  { bias, ...options }: Omit<BiasedConvOptions, "stride"> = {},
): tf.Tensor4D {
  const y = unbiased(x, filter, options);
  return bias ? tf.add(y, bias) : y;
}

/**
 * tfjs's depthwise convolution. Its own gradients where it has them (webgpu, no
 * dilation), else a convolution with the turned filter, and a sum of products per tap.
 */
function unbiased(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  { dilation = 1, padding = 0 }: Omit<ConvOptions, "stride">,
): tf.Tensor4D {
  const [KH, KW, C] = filter.shape;
  const run = (maps: tf.Tensor4D, weights: tf.Tensor4D, top: number, left: number) => {
    const padded = top + left === 0 ? maps : tf.pad(maps, around(top, left));
    return tf.depthwiseConv2d(padded, weights, 1, "valid", "NHWC", dilation);
  };
  if (tf.getBackend() === "webgpu" && dilation === 1) {
    return tf.tidy(() => run(x, filter, padding, padding));
  }
  const sizes = convSizes(x.shape, [KH, KW], { dilation, padding });
  return tf.differentiable<tf.Tensor4D>(
    { x, filter },
    (save) => {
      save([x, filter]);
      return run(x, filter, padding, padding);
    },
    (dy, saved) => {
      const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
      return {
        x: () => {
          const turned = tf.reverse(filter, [0, 1]);
          const [top, left] = [dilation * (KH - 1), dilation * (KW - 1)];
          return run(dy as tf.Tensor4D, turned, top - padding, left - padding);
        },
        filter: () =>
          tf.tidy(() => {
            const sums = tapsOf(x, sizes).map((tap) =>
              tf.sum(tf.mul(tap, dy), [0, 1, 2])
            );
            return tf.reshape(tf.stack(sums), [KH, KW, C, 1]);
          }),
      };
    },
  );
}
