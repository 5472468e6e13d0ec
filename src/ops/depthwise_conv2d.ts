import * as tf from "../core/tf.ts";
import { type ConvOptions, convSizes } from "../kernels/conv_sizes.ts";
import { depthwiseFilter } from "../kernels/depthwise_filter/mod.ts";

/**
 * Depthwise convolution of stride 1 with both gradients, any dilation.
 *
 * y[b, r, s, c] = Σ over i, j of x[b, r + i·dilation − padding, …, c] · w[i, j, c]
 *
 * @param x [B, H, W, C]
 * @param filter [KH, KW, C, 1]
 * @returns [B, OH, OW, C]; the caller owns it.
 * @throws {RangeError} If the filter is too large, or padding exceeds its reach.
 */
export function depthwiseConv2d(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  { dilation = 1, padding = 0 }: Omit<ConvOptions, "stride"> = {},
): tf.Tensor4D {
  const [KH, KW] = filter.shape;
  const sizes = convSizes(x.shape, [KH, KW], { dilation, padding });
  const top = dilation * (KH - 1) - padding;
  const left = dilation * (KW - 1) - padding;
  if (top < 0 || left < 0) {
    throw new RangeError(
      `Cannot convolve depthwise with padding ${padding}: a ${KH}×${KW} filter with ` +
        `dilation ${dilation} allows at most ${dilation * (Math.min(KH, KW) - 1)}`,
    );
  }
  return tf.differentiable<tf.Tensor4D>(
    { x, filter },
    (save) => {
      save([x, filter]);
      return run(x, filter, [padding, padding], dilation);
    },
    (dy, saved) => {
      const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
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
