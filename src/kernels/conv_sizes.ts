/** The sizes of a two-dimensional convolution of NHWC maps. @module */

/** Everything that decides which input pixel a tap reads; also the uniforms of kernels. */
export type ConvSizes = Readonly<Record<keyof typeof CONV_UNIFORMS, number>>;

/** The fields of {@linkcode ConvSizes} in the order of the shaders' structs. */
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
