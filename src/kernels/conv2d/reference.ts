// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { ConvSizes } from "../conv_sizes.ts";
import type { Cells } from "../kernel.ts";
import { finished, type MatMulForm } from "../matmul/reference.ts";

/** y[b, r, s, o] = g(Σ x[b, r·stride + i·dilation − padding, …, c] · w[i, j, c, o] + …). */
export function conv2dReference(
  [x, filter, bias, residual]: readonly [Cells, Cells, Cells, Cells],
  y: Cells,
  sizes: ConvSizes,
  form: Pick<MatMulForm, "biased" | "activated" | "residual">,
): void {
  const O = filter.length / (sizes.kernelHeight * sizes.kernelWidth * sizes.channels);
  const sums = new Float64Array(y.length);
  forEachTap(sizes, (source, target, tap) => {
    for (let c = 0; c < sizes.channels; c++) {
      const value = x[source * sizes.channels + c]!;
      const row = (tap * sizes.channels + c) * O;
      for (let o = 0; o < O; o++) sums[target * O + o]! += value * filter[row + o]!;
    }
  });
  sums.forEach((sum, at) => y[at] = finished(sum, at, at % O, bias, residual, form));
}

/** dx = Σ dy · w over the taps that read x. */
export function conv2dInputGradientReference(
  [dy, filter]: readonly [Cells, Cells],
  dx: Cells,
  sizes: ConvSizes,
): void {
  const O = filter.length / (sizes.kernelHeight * sizes.kernelWidth * sizes.channels);
  const sums = new Float64Array(dx.length);
  forEachTap(sizes, (source, target, tap) => {
    for (let c = 0; c < sizes.channels; c++) {
      const row = (tap * sizes.channels + c) * O;
      let sum = 0;
      for (let o = 0; o < O; o++) sum += dy[target * O + o]! * filter[row + o]!;
      sums[source * sizes.channels + c]! += sum;
    }
  });
  dx.set(sums);
}

/** dw[i, j, c, o] = Σ x · dy over the pixels that tap (i, j) joins. */
export function conv2dFilterGradientReference(
  [x, dy]: readonly [Cells, Cells],
  dw: Cells,
  sizes: ConvSizes,
): void {
  const O = dw.length / (sizes.kernelHeight * sizes.kernelWidth * sizes.channels);
  const sums = new Float64Array(dw.length);
  forEachTap(sizes, (source, target, tap) => {
    for (let c = 0; c < sizes.channels; c++) {
      const value = x[source * sizes.channels + c]!;
      const row = (tap * sizes.channels + c) * O;
      for (let o = 0; o < O; o++) sums[row + o]! += value * dy[target * O + o]!;
    }
  });
  dw.set(sums);
}

// Every pair of an input and an output pixel that some tap joins.
function forEachTap(
  { batch, height, width, outHeight, outWidth, ...sizes }: ConvSizes,
  visit: (source: number, target: number, tap: number) => void,
): void {
  const { kernelHeight, kernelWidth, stride, dilation, padding } = sizes;
  for (let target = 0; target < batch * outHeight * outWidth; target++) {
    const image = Math.floor(target / (outHeight * outWidth));
    const y = Math.floor(target / outWidth) % outHeight;
    for (let tap = 0; tap < kernelHeight * kernelWidth; tap++) {
      const row = y * stride + Math.floor(tap / kernelWidth) * dilation - padding;
      const column = target % outWidth * stride + tap % kernelWidth * dilation - padding;
      if (row < 0 || row >= height || column < 0 || column >= width) continue;
      visit((image * height + row) * width + column, target, tap);
    }
  }
}
