/** Convolutions and products of matrices. @module */
import type * as tf from "../../src/core/tf.ts";
import { type ConvOptions, convSizes } from "../../src/ops/conv2d/conv_sizes.ts";
import { conv2d } from "../../src/ops/conv2d/conv2d.ts";
import { depthwiseConv2d } from "../../src/ops/depthwise_conv2d/depthwise_conv2d.ts";
import { matMul } from "../../src/ops/mat_mul/mat_mul.ts";
import { linear } from "../../src/ops/linear.ts";
import { conv2d as tfjsConv2d } from "../tfjs/conv2d.ts";
import { depthwiseConv2d as tfjsDepthwiseConv2d } from "../tfjs/depthwise_conv2d.ts";
import { matMul as tfjsMatMul } from "../tfjs/mat_mul.ts";
import { linear as tfjsLinear } from "../tfjs/linear.ts";
import { normalTensor, type Pair, pair } from "./pair.ts";

/** Sizes of a map: batch, height, width, channels. */
export type MapShape = [number, number, number, number];

/** A convolution with a square filter. */
export function conv2dPair(
  shape: MapShape,
  outputs: number,
  kernel: number,
  options: ConvOptions = {},
): Pair {
  const [B, , , C] = shape;
  const { outHeight, outWidth } = convSizes(shape, [kernel, kernel], options);
  const filter = [kernel, kernel, C, outputs];
  return pair(
    () => [normalTensor(shape), normalTensor(filter as MapShape, "filter")],
    [
      (x, w) => conv2d(x as tf.Tensor4D, w as tf.Tensor4D, options),
      (x, w) => tfjsConv2d(x as tf.Tensor4D, w as tf.Tensor4D, options),
    ],
    {
      differentiableInputs: 2,
      flops: 2 * B * outHeight * outWidth * outputs * kernel ** 2 * C,
    },
  );
}

/** A depthwise convolution that keeps the size of its maps. */
export function depthwisePair(shape: MapShape, kernel = 3, dilation = 1): Pair {
  const options = { dilation, padding: dilation * (kernel - 1) / 2 };
  const filter: MapShape = [kernel, kernel, shape[3], 1];
  return pair(
    () => [normalTensor(shape), normalTensor(filter, "filter")],
    [
      (x, w) => depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, options),
      (x, w) => tfjsDepthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, options),
    ],
    { differentiableInputs: 2 },
  );
}

/** Products of matrices in a batch, the second one transposed, as attention has them. */
export function matMulPair(
  batch: number,
  [rows, inner, columns]: readonly [number, number, number],
): Pair {
  const options = { transposeB: true };
  return pair(
    () => [
      normalTensor([batch, rows, inner]),
      normalTensor([batch, columns, inner], "other"),
    ],
    [
      (a, b) => matMul(a as tf.Tensor, b as tf.Tensor, options),
      (a, b) => tfjsMatMul(a as tf.Tensor, b as tf.Tensor, options),
    ],
    { differentiableInputs: 2, flops: 2 * batch * rows * inner * columns },
  );
}

/** A matrix on the last axis, with a bias. */
export function linearPair(rows: number, inputs: number, outputs: number): Pair {
  return pair(
    () => [
      normalTensor([1, rows, inputs]),
      normalTensor([inputs, outputs], "weight"),
      normalTensor([outputs], "bias"),
    ],
    [
      (x, w, b) => linear(x as tf.Tensor, w as tf.Tensor, b),
      (x, w, b) => tfjsLinear(x as tf.Tensor, w as tf.Tensor, b),
    ],
    { differentiableInputs: 3, flops: 2 * rows * inputs * outputs },
  );
}
