// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";
import { applyEpilogue } from "../mat_mul/reference.ts";
import type { EpilogueFlags } from "../tiled_gemm/tiling.ts";
import type { ConvSizes } from "./conv_sizes.ts";

/** The arrays of a convolution, or of its input gradient, as the shader names them. */
type ConvArrays = Arrays<"left" | "right" | "bias" | "residual" | "product">;
type ConvProductSizes = ConvSizes & { readonly columns: number };

/** y[b, r, s, o] = g(Σ x[b, r·stride + i·dilation − padding, …, c] · w[i, j, c, o] + …). */
export function conv2dReference(
  { left: x, right: filter, product: y, ...epilogue }: ConvArrays,
  sizes: ConvProductSizes,
  flags: EpilogueFlags,
): void {
  const { channels: C, columns: O } = sizes;
  const sums = new Float64Array(y.length);
  forEachTap(sizes, (source, target, tap) => {
    for (let c = 0; c < C; c++) {
      const value = x[source * C + c]!;
      const row = (tap * C + c) * O;
      for (let o = 0; o < O; o++) sums[target * O + o]! += value * filter[row + o]!;
    }
  });
  sums.forEach((sum, at) => y[at] = applyEpilogue(sum, at, at % O, epilogue, flags));
}

/**
 * dx = Σ dy · w over the taps that read x.
 *
 * @param gradientSizes Of the map that is read, dy, and of the one that is written, dx.
 */
export function conv2dInputGradientReference(
  { left: dy, right: filter, product: dx }: ConvArrays,
  gradientSizes: ConvProductSizes,
): void {
  const sizes = {
    ...gradientSizes,
    height: gradientSizes.outHeight,
    width: gradientSizes.outWidth,
    outHeight: gradientSizes.height,
    outWidth: gradientSizes.width,
  };
  const { columns: C, channels: O } = gradientSizes;
  const sums = new Float64Array(dx.length);
  forEachTap(sizes, (source, target, tap) => {
    for (let c = 0; c < C; c++) {
      const row = (tap * C + c) * O;
      let sum = 0;
      for (let o = 0; o < O; o++) sum += dy[target * O + o]! * filter[row + o]!;
      sums[source * C + c]! += sum;
    }
  });
  dx.set(sums);
}

/** dw[i, j, c, o] = Σ x · dy over the pixels that tap (i, j) joins; all in the first split. */
export function conv2dFilterGradientReference(
  { x, dy, dw }: Arrays<"x" | "dy" | "dw">,
  sizes: ConvProductSizes,
): void {
  const { channels: C, columns: O } = sizes;
  const sums = new Float64Array(sizes.kernelHeight * sizes.kernelWidth * C * O);
  forEachTap(sizes, (source, target, tap) => {
    for (let c = 0; c < C; c++) {
      const value = x[source * C + c]!;
      const row = (tap * C + c) * O;
      for (let o = 0; o < O; o++) sums[row + o]! += value * dy[target * O + o]!;
    }
  });
  dw.fill(0);
  dw.set(sums);
}

// Every pair of an input and an output pixel that some tap joins.
function forEachTap(
  { batch, height, width, outHeight, outWidth, ...sizes }: ConvSizes,
  visit: (source: number, target: number, tap: number) => void,
): void {
  const { kernelHeight, kernelWidth, stride, dilation, paddingTop, paddingLeft } = sizes;
  for (let target = 0; target < batch * outHeight * outWidth; target++) {
    const image = Math.floor(target / (outHeight * outWidth));
    const y = Math.floor(target / outWidth) % outHeight;
    for (let tap = 0; tap < kernelHeight * kernelWidth; tap++) {
      const row = y * stride + Math.floor(tap / kernelWidth) * dilation - paddingTop;
      const column = target % outWidth * stride + tap % kernelWidth * dilation -
        paddingLeft;
      if (row < 0 || row >= height || column < 0 || column >= width) continue;
      visit((image * height + row) * width + column, target, tap);
    }
  }
}
