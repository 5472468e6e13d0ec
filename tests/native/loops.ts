// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
/** The operations of oneDNN as plain loops in float64. @module */
import type { ConvolutionSizes } from "../../src/native/convolution.ts";
import type { NormalizationSizes } from "../../src/native/normalization.ts";
import type { ProductSizes } from "../../src/native/product.ts";

type Values = Float32Array;

export function product(
  left: Values,
  right: Values,
  bias: Values,
  { batch, rows, columns, depth, ...flags }: ProductSizes,
): Float64Array {
  const result = new Float64Array(batch * rows * columns);
  let at = 0;
  for (let b = 0; b < batch; b++) {
    const first = flags.sharedRight ? 0 : b * depth * columns;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, at++) {
        let sum = flags.hasBias ? bias[column]! : 0;
        for (let k = 0; k < depth; k++) {
          const l = flags.transposeLeft ? k * rows + row : row * depth + k;
          const r = flags.transposeRight ? column * depth + k : k * columns + column;
          sum += left[b * rows * depth + l]! * right[first + r]!;
        }
        result[at] = sum;
      }
    }
  }
  return result;
}

export function convolution(
  x: Values,
  filter: Values,
  bias: Values,
  dy: Values,
  sizes: ConvolutionSizes,
): Record<"y" | "dx" | "dw", Float64Array> {
  const { batch, height, width, channels: C, outHeight, outWidth, outChannels: O } =
    sizes;
  const { kernelHeight, kernelWidth, stride, dilation, depthwise } = sizes;
  const y = new Float64Array(dy.length);
  const dx = new Float64Array(x.length);
  const dw = new Float64Array(filter.length);
  if (sizes.hasBias) y.forEach((_, i) => y[i] = bias[i % O]!);
  for (let pixel = 0; pixel < batch * outHeight * outWidth; pixel++) {
    const image = Math.floor(pixel / (outHeight * outWidth));
    for (let tap = 0; tap < kernelHeight * kernelWidth; tap++) {
      const row = Math.floor(pixel / outWidth) % outHeight * stride - sizes.paddingTop +
        Math.floor(tap / kernelWidth) * dilation;
      const column = pixel % outWidth * stride - sizes.paddingLeft +
        tap % kernelWidth * dilation;
      if (row < 0 || row >= height || column < 0 || column >= width) continue;
      const source = ((image * height + row) * width + column) * C;
      for (let o = 0; o < O; o++) {
        for (let c = depthwise ? o : 0; c < (depthwise ? o + 1 : C); c++) {
          const w = depthwise ? tap * C + c : (tap * C + c) * O + o;
          y[pixel * O + o]! += x[source + c]! * filter[w]!;
          dx[source + c]! += dy[pixel * O + o]! * filter[w]!;
          dw[w]! += dy[pixel * O + o]! * x[source + c]!;
        }
      }
    }
  }
  return { y, dx, dw };
}

/** Of rows (layer norm) or of columns (batch norm). */
export function normalization(
  along: "rows" | "columns",
  x: Values,
  scale: Values,
  shift: Values,
  dy: Values,
  { rows, columns, epsilon }: NormalizationSizes,
): Record<
  "y" | "mean" | "variance" | "dx" | "dscale" | "dshift",
  Float64Array
> {
  const groups = along === "rows" ? rows : columns;
  const count = rows * columns / groups;
  const group = (i: number) => along === "rows" ? Math.floor(i / columns) : i % columns;
  const [mean, variance] = [new Float64Array(groups), new Float64Array(groups)];
  x.forEach((value, i) => mean[group(i)]! += value / count);
  x.forEach((value, i) => variance[group(i)]! += (value - mean[group(i)]!) ** 2 / count);
  const rstd = (i: number) => 1 / Math.sqrt(variance[group(i)]! + epsilon);
  const normalized = Float64Array.from(x, (v, i) => (v - mean[group(i)]!) * rstd(i));
  const y = normalized.map((n, i) => n * scale[i % columns]! + shift[i % columns]!);
  const [dscale, dshift] = [new Float64Array(columns), new Float64Array(columns)];
  const [sums, correlations] = [new Float64Array(groups), new Float64Array(groups)];
  dy.forEach((d, i) => {
    dscale[i % columns]! += d * normalized[i]!;
    dshift[i % columns]! += d;
    sums[group(i)]! += d * scale[i % columns]! / count;
    correlations[group(i)]! += d * scale[i % columns]! * normalized[i]! / count;
  });
  const dx = Float64Array.from(dy, (d, i) =>
    rstd(i) *
    (d * scale[i % columns]! - sums[group(i)]! -
      normalized[i]! * correlations[group(i)]!));
  return { y, mean, variance, dx, dscale, dshift };
}

/** The normal distribution's function, by its series. */
function normalCdf(x: number): number {
  let [sum, term] = [x, x];
  for (let k = 1; k < 200; k++) {
    term *= x * x / (2 * k + 1);
    sum += term;
  }
  return 0.5 + sum * normalDensity(x);
}

const normalDensity = (x: number) => Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);

export function gelu(x: Values, dy: Values): Record<"y" | "dx", Float64Array> {
  return {
    y: Float64Array.from(x, (v) => v * normalCdf(v)),
    dx: Float64Array.from(x, (v, i) => dy[i]! * (normalCdf(v) + v * normalDensity(v))),
  };
}

export function softmax(
  x: Values,
  dy: Values,
  columns: number,
): Record<"y" | "dx", Float64Array> {
  const [y, dx] = [new Float64Array(x.length), new Float64Array(x.length)];
  for (let first = 0; first < x.length; first += columns) {
    const row = Array.from(x.subarray(first, first + columns), (v) => Math.exp(v));
    const total = row.reduce((a, b) => a + b);
    const dot = row.reduce((sum, v, c) => sum + v / total * dy[first + c]!, 0);
    row.forEach((v, c) => {
      y[first + c] = v / total;
      dx[first + c] = v / total * (dy[first + c]! - dot);
    });
  }
  return { y, dx };
}
