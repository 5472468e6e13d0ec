// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { ConvSizes } from "../conv_sizes.ts";
import type { Cells } from "../kernel.ts";
import { finished, type MatMulForm } from "../matmul/reference.ts";

/** product = g(depthwise convolution of stride 1 + bias) + residual. */
export function depthwiseReference(
  [x, filter, bias, residual]: readonly [Cells, Cells, Cells, Cells],
  product: Cells,
  sizes: ConvSizes,
  turned: boolean,
  form: Pick<MatMulForm, "biased" | "activated" | "residual">,
): void {
  const { height, width, channels: C, outHeight, outWidth, dilation, padding } = sizes;
  const taps = sizes.kernelHeight * sizes.kernelWidth;
  const above = turned ? dilation * (sizes.kernelHeight - 1) - padding : padding;
  const before = turned ? dilation * (sizes.kernelWidth - 1) - padding : padding;
  for (let at = 0; at < product.length; at++) {
    const [c, pixel] = [at % C, Math.floor(at / C)];
    const image = Math.floor(pixel / (outHeight * outWidth));
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const row = Math.floor(pixel / outWidth) % outHeight - above +
        Math.floor(tap / sizes.kernelWidth) * dilation;
      const column = pixel % outWidth - before + tap % sizes.kernelWidth * dilation;
      if (row < 0 || row >= height || column < 0 || column >= width) continue;
      const weight = filter[(turned ? taps - 1 - tap : tap) * C + c]!;
      sum += weight * x[((image * height + row) * width + column) * C + c]!;
    }
    product[at] = finished(sum, at, c, bias, residual, form);
  }
}
