// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";

/** Mean and biased variance of each column of x [R, C]. */
export function momentsReference(
  { x, mean, variance }: Arrays<"x" | "mean" | "variance">,
): void {
  const columns = mean.length;
  const rows = x.length / columns;
  const sum = new Float64Array(columns);
  for (let at = 0; at < x.length; at += columns) {
    for (let c = 0; c < columns; c++) sum[c]! += x[at + c]!;
  }
  for (let c = 0; c < columns; c++) sum[c]! /= rows;
  const squares = new Float64Array(columns);
  for (let at = 0; at < x.length; at += columns) {
    for (let c = 0; c < columns; c++) squares[c]! += (x[at + c]! - sum[c]!) ** 2;
  }
  for (let c = 0; c < columns; c++) {
    mean[c] = sum[c]!;
    variance[c] = squares[c]! / rows;
  }
}

/** y = (x − mean) / √(variance + ε) · scale + shift. */
export function normalizeReference(
  { x, mean, variance, scale, shift, y }: Arrays<
    "x" | "mean" | "variance" | "scale" | "shift" | "y"
  >,
  { epsilon }: { readonly epsilon: number },
): void {
  const columns = mean.length;
  const factor = Float64Array.from(
    scale,
    (s, c) => s / Math.sqrt(variance[c]! + epsilon),
  );
  const offset = Float64Array.from(shift, (s, c) => s - mean[c]! * factor[c]!);
  for (let at = 0; at < x.length; at += columns) {
    for (let c = 0; c < columns; c++) y[at + c] = x[at + c]! * factor[c]! + offset[c]!;
  }
}

/** dscale = Σ dy · (x − mean) · rstd, dshift = Σ dy, per column. */
export function batchNormScaleGradientReference(
  { x, mean, variance, dy, dscale, dshift }: Arrays<
    "x" | "mean" | "variance" | "dy" | "dscale" | "dshift"
  >,
  { epsilon }: { readonly epsilon: number },
): void {
  const columns = mean.length;
  const sum = new Float64Array(columns);
  const product = new Float64Array(columns);
  for (let at = 0; at < x.length; at += columns) {
    for (let c = 0; c < columns; c++) {
      const g = dy[at + c]!;
      sum[c]! += g;
      product[c]! += g * (x[at + c]! - mean[c]!);
    }
  }
  for (let c = 0; c < columns; c++) {
    dscale[c] = product[c]! / Math.sqrt(variance[c]! + epsilon);
    dshift[c] = sum[c]!;
  }
}

/** dx = scale · rstd · (dy − dshift / R − n · dscale / R). */
export function batchNormInputGradientReference(
  { x, mean, variance, scale, dy, dscale, dshift, dx }: Arrays<
    "x" | "mean" | "variance" | "scale" | "dy" | "dscale" | "dshift" | "dx"
  >,
  { epsilon }: { readonly epsilon: number },
): void {
  const columns = mean.length;
  const rows = x.length / columns;
  const rstd = Float64Array.from(variance, (v) => 1 / Math.sqrt(v + epsilon));
  for (let at = 0; at < x.length; at += columns) {
    for (let c = 0; c < columns; c++) {
      const factor = scale[c]! * rstd[c]!;
      const constant = dshift[c]! / rows;
      const factorOfInput = dscale[c]! * rstd[c]! / rows;
      dx[at + c] = factor *
        (dy[at + c]! - constant - (x[at + c]! - mean[c]!) * factorOfInput);
    }
  }
}
