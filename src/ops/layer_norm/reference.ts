// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";
import { columnSumReference } from "../sums/reference.ts";

/** y = (x − mean) · rstd · scale + shift per row; moments = mean and rstd per row. */
export function layerNormReference(
  { x, scale, shift, y, moments }: Arrays<"x" | "scale" | "shift" | "y" | "moments">,
  { columns, epsilon }: { readonly columns: number; readonly epsilon: number },
): void {
  for (let r = 0; r < x.length / columns; r++) {
    const first = r * columns;
    let sum = 0;
    for (let c = 0; c < columns; c++) sum += x[first + c]!;
    const mean = sum / columns;
    let squares = 0;
    for (let c = 0; c < columns; c++) squares += (x[first + c]! - mean) ** 2;
    const rstd = 1 / Math.sqrt(squares / columns + epsilon);
    for (let c = 0; c < columns; c++) {
      y[first + c] = (x[first + c]! - mean) * rstd * scale[c]! + shift[c]!;
    }
    moments[2 * r] = mean;
    moments[2 * r + 1] = rstd;
  }
}

/** dx = rstd · (g − mean(g) − n · mean(g · n)) per row, g = dy · scale, n the normalized x. */
export function layerNormInputGradientReference(
  { x, scale, moments, dy, dx }: Arrays<"x" | "scale" | "moments" | "dy" | "dx">,
  { columns }: { readonly columns: number },
): void {
  for (let r = 0; r < x.length / columns; r++) {
    const first = r * columns;
    const mean = moments[2 * r]!;
    const rstd = moments[2 * r + 1]!;
    let sum = 0;
    let correlation = 0;
    for (let c = 0; c < columns; c++) {
      const g = dy[first + c]! * scale[c]!;
      sum += g;
      correlation += g * (x[first + c]! - mean);
    }
    sum /= columns;
    correlation *= rstd / columns;
    for (let c = 0; c < columns; c++) {
      const g = dy[first + c]! * scale[c]!;
      dx[first + c] = rstd * (g - sum - (x[first + c]! - mean) * rstd * correlation);
    }
  }
}

/** dscale[c] = Σ over r of dy · (x − mean) · rstd. */
export function layerNormScaleGradientReference(
  { x, moments, dy, dscale }: Arrays<"x" | "moments" | "dy" | "dscale">,
  { columns }: { readonly columns: number },
): void {
  const sums = new Float64Array(columns);
  for (let r = 0; r < x.length / columns; r++) {
    const first = r * columns;
    const mean = moments[2 * r]!;
    const rstd = moments[2 * r + 1]!;
    for (let c = 0; c < columns; c++) {
      sums[c]! += dy[first + c]! * (x[first + c]! - mean) * rstd;
    }
  }
  dscale.set(sums);
}

/** All gradients: dx and dscale as above, dshift[c] = Σ over r of dy. */
export function layerNormGradientsReference(
  arrays: Arrays<"x" | "scale" | "moments" | "dy" | "dx" | "dscale" | "dshift">,
  uniforms: { readonly columns: number },
): void {
  layerNormInputGradientReference(arrays, uniforms);
  layerNormScaleGradientReference(arrays, uniforms);
  columnSumReference({ a: arrays.dy, out: arrays.dshift }, uniforms);
}
