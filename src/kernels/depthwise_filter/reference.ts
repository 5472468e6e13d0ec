// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Cells } from "../kernel.ts";
import type { ConvSizes } from "../conv_sizes.ts";

/** dw[ky, kx, c] = Σ dy · x over the pixels that tap (ky, kx) joins. */
export function depthwiseFilterReference(
  x: Cells,
  dy: Cells,
  dw: Cells,
  sizes: ConvSizes,
): void {
  const { height, width, channels: C, outHeight, outWidth } = sizes;
  const { kernelHeight, kernelWidth, stride, dilation, padding } = sizes;
  const sums = new Float64Array(dw.length);
  for (let r = 0; r < sizes.batch * outHeight; r++) {
    const image = Math.floor(r / outHeight);
    for (let ky = 0; ky < kernelHeight; ky++) {
      const row = (r - image * outHeight) * stride + ky * dilation - padding;
      if (row < 0 || row >= height) continue;
      for (let kx = 0; kx < kernelWidth; kx++) {
        const tap = (ky * kernelWidth + kx) * C;
        for (let col = 0; col < outWidth; col++) {
          const at = col * stride + kx * dilation - padding;
          if (at < 0 || at >= width) continue;
          const source = ((image * height + row) * width + at) * C;
          const target = (r * outWidth + col) * C;
          for (let c = 0; c < C; c++) sums[tap + c]! += dy[target + c]! * x[source + c]!;
        }
      }
    }
  }
  dw.set(sums);
}
