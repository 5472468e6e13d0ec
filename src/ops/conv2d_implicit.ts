/**
 * Convolution by our kernels: implicit products of matrices on webgpu.
 *
 * Elsewhere their plain twins run, which do what tfjs refuses.
 *
 * @module
 */
import * as tf from "../core/tf.ts";
import * as kernel from "../kernels/conv2d/mod.ts";
import { conv2dFilterGradient } from "../kernels/conv2d_filter/mod.ts";
import type { ConvSizes } from "../kernels/conv_sizes.ts";
import { matMul } from "../kernels/matmul/mod.ts";
import { rowProduct } from "./row_product.ts";

/** x ∗ filter + bias. */
export function forward(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  sizes: ConvSizes,
  bias?: tf.AnyTensor,
): tf.Tensor4D {
  if (!isPlain(sizes)) return kernel.conv2d(x, filter, sizes, { bias }) as tf.Tensor4D;
  const [B, H, W] = x.shape;
  const y = matMul(pixelsOf(x), matrixOf(filter), { bias });
  return tf.reshape(y, [B, H, W, filter.shape[3]]);
}

/** d(loss)/dx. */
export function inputGradient(
  dy: tf.Tensor4D,
  filter: tf.Tensor4D,
  sizes: ConvSizes,
): tf.Tensor {
  if (!isPlain(sizes)) return kernel.conv2dInputGradient(dy, filter, sizes);
  const dx = matMul(pixelsOf(dy), matrixOf(filter), { transposeB: true });
  return tf.reshape(dx, [sizes.batch, sizes.height, sizes.width, sizes.channels]);
}

/** d(loss)/d(filter). */
export function filterGradient(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  sizes: ConvSizes,
): tf.Tensor {
  if (!isPlain(sizes)) return conv2dFilterGradient(x, dy, sizes);
  const dw = rowProduct(pixelsOf(x), pixelsOf(dy));
  return tf.reshape(dw, [1, 1, ...dw.shape]);
}

// One tap that reads every pixel: a matrix on the channels.
function isPlain({ kernelHeight, kernelWidth, stride, padding }: ConvSizes): boolean {
  return kernelHeight === 1 && kernelWidth === 1 && stride === 1 && padding === 0;
}

function pixelsOf(map: tf.Tensor4D): tf.Tensor2D {
  const channels = map.shape[3];
  return tf.reshape(map, [map.size / channels, channels]);
}

function matrixOf(filter: tf.Tensor4D): tf.Tensor2D {
  return tf.reshape(filter, [filter.shape[2], filter.shape[3]]);
}
