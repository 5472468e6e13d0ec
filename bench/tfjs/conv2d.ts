import * as tf from "../../src/core/tf.ts";
import {
  type ConvOptions,
  type ConvSizes,
  convSizes,
  gradientPadding,
} from "../../src/ops/conv2d/conv_sizes.ts";
import type * as ours from "../../src/ops/conv2d/conv2d.ts";

export type { ConvOptions } from "../../src/ops/conv2d/conv_sizes.ts";

/** What a convolution gives, and the bias added to it, if there is one. */
export const addBias = (y: tf.Tensor4D, bias: tf.AnyTensor | undefined): tf.Tensor4D =>
  bias ? tf.add(y, bias) : y;

/** tfjs's convolution, and the bias added to it. */
export const conv2d: typeof ours.conv2d = (x, filter, { bias, ...options } = {}) =>
  addBias(conv2dWithoutBias(x, filter, options), bias);

/** Zeros around maps, as tfjs takes them. */
export type ExplicitPadding = [[0, 0], [number, number], [number, number], [0, 0]];

/** `top` and `left` zeros above and on the left of NHWC maps, and as many opposite. */
export function explicitPadding(top: number, left: number): ExplicitPadding {
  return [[0, 0], [top, top], [left, left], [0, 0]];
}

/** The zeros that the taps of a convolution read. */
export function zerosAround(
  { height, width, outHeight, outWidth, stride, dilation, ...sizes }: ConvSizes,
): ExplicitPadding {
  const { kernelHeight, kernelWidth, paddingTop, paddingLeft } = sizes;
  const after = (side: number, out: number, kernel: number, before: number) =>
    Math.max((out - 1) * stride + dilation * (kernel - 1) + 1 - side - before, 0);
  return [
    [0, 0],
    [paddingTop, after(height, outHeight, kernelHeight, paddingTop)],
    [paddingLeft, after(width, outWidth, kernelWidth, paddingLeft)],
    [0, 0],
  ];
}

/**
 * tfjs's convolution. Its own gradients where it has them (webgpu, no dilation), else the
 * quickest composition: a convolution with the flipped filter, and a product per tap.
 */
function conv2dWithoutBias(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  options: ConvOptions,
): tf.Tensor4D {
  const sizes = convSizes(x.shape, [filter.shape[0], filter.shape[1]], options);
  const { stride, dilation } = sizes;
  const run = () => tf.conv2d(x, filter, stride, zerosAround(sizes), "NHWC", dilation);
  if (tf.getBackend() === "webgpu" && dilation === 1) return run();
  return tf.differentiable<tf.Tensor4D>(
    { x, filter },
    (save) => {
      save([x, filter]);
      return run();
    },
    (dy, saved) => {
      const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
      return {
        x: () => tf.tidy(() => inputGradient(dy as tf.Tensor4D, x, filter, sizes)),
        filter: () => tf.tidy(() => filterGradient(x, dy, filter.shape, sizes)),
      };
    },
  );
}

function inputGradient(
  dy: tf.Tensor4D,
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  sizes: ConvSizes,
): tf.Tensor {
  const { stride, dilation } = sizes;
  if (stride > 1) {
    return tf.conv2dTranspose(dy, filter, x.shape, stride, zerosAround(sizes));
  }
  const flippedFilter = tf.transpose<tf.Tensor4D>(
    tf.reverse(filter, [0, 1]),
    [0, 1, 3, 2],
  );
  const pads = explicitPadding(...gradientPadding(sizes));
  return tf.conv2d(dy, flippedFilter, 1, pads, "NHWC", dilation);
}

function filterGradient(
  x: tf.Tensor4D,
  dy: tf.Tensor,
  [KH, KW, C, O]: [number, number, number, number],
  sizes: ConvSizes,
): tf.Tensor {
  const pixels = dy.size / O;
  const flat = tf.reshape<tf.Rank.R2>(dy, [pixels, O]);
  const products = im2colColumns(x, sizes).map((column) =>
    tf.matMul(tf.reshape<tf.Rank.R2>(column, [pixels, C]), flat, true, false)
  );
  return tf.reshape(tf.stack(products), [KH, KW, C, O]);
}

type Corner = [number, number, number, number];

/** What each tap of a filter reads, row by row. [B, OH, OW, C] each */
export function im2colColumns(x: tf.Tensor4D, sizes: ConvSizes): tf.Tensor4D[] {
  const { batch, channels, outHeight, outWidth, kernelHeight, kernelWidth } = sizes;
  const { stride, dilation } = sizes;
  const zeros = zerosAround(sizes);
  const padded = zeros.flat().every((count) => count === 0) ? x : tf.pad(x, zeros);
  const reach = (outputs: number) => (outputs - 1) * stride + 1;
  const columns: tf.Tensor4D[] = [];
  for (let ky = 0; ky < kernelHeight; ky++) {
    for (let kx = 0; kx < kernelWidth; kx++) {
      const [y, left] = [ky * dilation, kx * dilation];
      const [down, right] = [reach(outHeight), reach(outWidth)];
      const begin: Corner = [0, y, left, 0];
      const end: Corner = [batch, y + down, left + right, channels];
      const size: Corner = [batch, down, right, channels];
      // tfjs does not type the rank of a strided slice.
      columns.push(
        stride === 1
          ? tf.slice4d(padded, begin, size)
          : tf.stridedSlice(padded, begin, end, [1, stride, stride, 1]) as tf.Tensor4D,
      );
    }
  }
  return columns;
}
