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
  padding: "u32",
} as const;

/** The sizes of a convolution, see {@linkcode convSizes}. */
export type ConvSizes = UniformsOf<typeof CONV_UNIFORMS>;

/** Stride, dilation and zero padding (all sides), in pixels. */
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
   * Zeros around the map.
   * @default {0}
   */
  readonly padding?: number;
}

/**
 * Works out the output size, (in + 2·padding − dilation·(kernel − 1) − 1) / stride + 1.
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
  const out = (side: number, kernel: number) =>
    Math.floor((side + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
  const outHeight = out(height, kernelHeight);
  const outWidth = out(width, kernelWidth);
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
    padding,
  };
}

/** Whether one tap reads every pixel, so that the filter is a matrix on the channels. */
export function isPointwise(
  { kernelHeight, kernelWidth, stride, padding }: ConvSizes,
): boolean {
  return kernelHeight === 1 && kernelWidth === 1 && stride === 1 && padding === 0;
}

/** Zeros around maps, as tfjs takes them. */
export type ExplicitPadding = [[0, 0], [number, number], [number, number], [0, 0]];

/** `rows` zeros above and below and `columns` on the left and right of NHWC maps. */
export function explicitPadding(rows: number, columns: number = rows): ExplicitPadding {
  return [[0, 0], [rows, rows], [columns, columns], [0, 0]];
}

/** Zeros around dy where the input gradient of stride 1 is a convolution of it. */
export function gradientPadding(
  { kernelHeight, kernelWidth, dilation, padding }: ConvSizes,
): [rows: number, columns: number] {
  return [
    dilation * (kernelHeight - 1) - padding,
    dilation * (kernelWidth - 1) - padding,
  ];
}
