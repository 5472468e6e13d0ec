/** The sizes of a two-dimensional convolution of NHWC maps. @module */

import type { UniformsOf } from "../../gpu/kernel.ts";

/** Everything that decides which input pixel a tap reads, as uniforms of kernels. */
export const CONV_UNIFORMS = {
  batch: "u32",
  height: "u32",
  width: "u32",
  channels: "u32",
  outHeight: "u32",
  outWidth: "u32",
  kernelHeight: "u32",
  kernelWidth: "u32",
  stride: "u32",
  dilation: "u32",
  paddingTop: "u32",
  paddingLeft: "u32",
} as const;

/** The sizes of a convolution, see {@linkcode convSizes}. */
export type ConvSizes = UniformsOf<typeof CONV_UNIFORMS>;

/** Stride, dilation and zero padding, in pixels. */
export interface ConvOptions {
  /**
   * From filter to filter.
   * @default {1}
   */
  readonly stride?: number;
  /**
   * From tap to tap.
   * @default {1}
   */
  readonly dilation?: number;
  /**
   * Zeros around the map. "same", as TensorFlow's: what makes a side its size divided by
   * the stride, rounded up; of an odd number the larger half lies below and to the right.
   * @default {0}
   */
  readonly padding?: number | "same";
}

/**
 * Works out the output size, (in + 2·padding − dilation·(kernel − 1) − 1) / stride + 1, or
 * in / stride, rounded up.
 *
 * @param input [B, H, W, C]
 * @param kernel Height and width of the filter.
 * @throws {RangeError} If the filter does not fit into the padded input.
 */
export function convSizes(
  input: readonly [number, number, number, number],
  [kernelHeight, kernelWidth]: readonly [number, number],
  { stride = 1, dilation = 1, padding = 0 }: ConvOptions,
): ConvSizes {
  const [batch, height, width, channels] = input;
  const along = (
    side: number,
    kernel: number,
  ): readonly [out: number, before: number] => {
    const reach = dilation * (kernel - 1) + 1;
    if (padding !== "same") {
      return [Math.floor((side + 2 * padding - reach) / stride) + 1, padding];
    }
    const out = Math.ceil(side / stride);
    const zeros = Math.max((out - 1) * stride + reach - side, 0);
    return [out, Math.floor(zeros / 2)];
  };
  const [outHeight, paddingTop] = along(height, kernelHeight);
  const [outWidth, paddingLeft] = along(width, kernelWidth);
  if (outHeight < 1 || outWidth < 1) {
    throw new RangeError(
      `Cannot convolve maps of ${height}×${width}: a ${kernelHeight}×${kernelWidth} filter ` +
        `with dilation ${dilation} and padding ${padding} is larger; use larger images`,
    );
  }
  return {
    batch,
    height,
    width,
    channels,
    outHeight,
    outWidth,
    kernelHeight,
    kernelWidth,
    stride,
    dilation,
    paddingTop,
    paddingLeft,
  };
}

/** Whether one tap reads every pixel, so that the filter is a matrix on the channels. */
export function isPointwise(
  { kernelHeight, kernelWidth, stride, paddingTop, paddingLeft }: ConvSizes,
): boolean {
  return kernelHeight === 1 && kernelWidth === 1 && stride === 1 && paddingTop === 0 &&
    paddingLeft === 0;
}

/** Zeros around dy where the input gradient of stride 1 is a convolution of it. */
export function gradientPadding(
  { kernelHeight, kernelWidth, dilation, paddingTop, paddingLeft }: ConvSizes,
): [top: number, left: number] {
  return [
    dilation * (kernelHeight - 1) - paddingTop,
    dilation * (kernelWidth - 1) - paddingLeft,
  ];
}
