// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { ConvSizes } from "../conv_sizes.ts";
import type { Cells } from "../kernel.ts";

/** out[c, r] = the pixel that tap (ky, kx) reads for output pixel r, 0 beyond the border. */
export function convTapReference(
  x: Cells,
  out: Cells,
  sizes: ConvSizes,
  ky: number,
  kx: number,
): void {
  const { batch, height, width, channels: C, outHeight, outWidth } = sizes;
  const { stride, dilation, padding } = sizes;
  const pixels = batch * outHeight * outWidth;
  out.fill(0);
  let r = 0;
  for (let b = 0; b < batch; b++) {
    for (let y = 0; y < outHeight; y++) {
      const row = y * stride + ky * dilation - padding;
      if (row < 0 || row >= height) {
        r += outWidth;
        continue;
      }
      for (let z = 0; z < outWidth; z++, r++) {
        const col = z * stride + kx * dilation - padding;
        if (col < 0 || col >= width) continue;
        const source = ((b * height + row) * width + col) * C;
        for (let c = 0; c < C; c++) out[r + c * pixels] = x[source + c]!;
      }
    }
  }
}
