// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";
import { type ConvSizes, gradientPadding } from "../conv2d/conv_sizes.ts";
import { applyEpilogue } from "../mat_mul/reference.ts";
import type { EpilogueFlags } from "../tiled_gemm/tiling.ts";

/** product = g(depthwise convolution + bias) + residual, or the input gradient of one. */
export function depthwiseConv2dReference(
  { left: x, right: filter, product, ...epilogue }: Arrays<
    "left" | "right" | "bias" | "residual" | "product"
  >,
  sizes: ConvSizes,
  { flipped, ...flags }: EpilogueFlags & { readonly flipped: boolean },
): void {
  const { height, width, channels: C, outHeight, outWidth, stride, dilation } = sizes;
  const taps = sizes.kernelHeight * sizes.kernelWidth;
  const [above, before] = flipped
    ? gradientPadding(sizes)
    : [sizes.paddingTop, sizes.paddingLeft];
  const [step, spacing] = flipped ? [1, stride] : [stride, 1];
  for (let at = 0; at < product.length; at++) {
    const [c, pixel] = [at % C, Math.floor(at / C)];
    const image = Math.floor(pixel / (outHeight * outWidth));
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const row = (Math.floor(pixel / outWidth) % outHeight * step - above +
        Math.floor(tap / sizes.kernelWidth) * dilation) / spacing;
      const column = (pixel % outWidth * step - before +
        tap % sizes.kernelWidth * dilation) / spacing;
      if (!Number.isInteger(row) || !Number.isInteger(column)) continue;
      if (row < 0 || row >= height || column < 0 || column >= width) continue;
      const weight = filter[(flipped ? taps - 1 - tap : tap) * C + c]!;
      sum += weight * x[((image * height + row) * width + column) * C + c]!;
    }
    product[at] = applyEpilogue(sum, at, c, epilogue, flags);
  }
}

/** dw[ky, kx, c] = Σ dy · x over the pixels that tap (ky, kx) joins; all in the first split. */
export function depthwiseConv2dFilterGradientReference(
  { x, dy, dw }: Arrays<"x" | "dy" | "dw">,
  sizes: ConvSizes,
): void {
  const { height, width, channels: C, outHeight, outWidth } = sizes;
  const { kernelHeight, kernelWidth, stride, dilation, paddingTop, paddingLeft } = sizes;
  const sums = new Float64Array(kernelHeight * kernelWidth * C);
  for (let r = 0; r < sizes.batch * outHeight; r++) {
    const image = Math.floor(r / outHeight);
    for (let ky = 0; ky < kernelHeight; ky++) {
      const row = (r - image * outHeight) * stride + ky * dilation - paddingTop;
      if (row < 0 || row >= height) continue;
      for (let kx = 0; kx < kernelWidth; kx++) {
        const tap = (ky * kernelWidth + kx) * C;
        for (let col = 0; col < outWidth; col++) {
          const at = col * stride + kx * dilation - paddingLeft;
          if (at < 0 || at >= width) continue;
          const source = ((image * height + row) * width + at) * C;
          const target = (r * outWidth + col) * C;
          for (let c = 0; c < C; c++) sums[tap + c]! += dy[target + c]! * x[source + c]!;
        }
      }
    }
  }
  dw.fill(0);
  dw.set(sums);
}
