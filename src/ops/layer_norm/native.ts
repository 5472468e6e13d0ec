// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";
import type { NativeEngine } from "../../native/engine.ts";
import { layerNormGradientPlan, layerNormPlan } from "../../native/normalization.ts";

/** y = (x − mean) · rstd · scale + shift per row; moments = mean and rstd per row. */
export function layerNormByNative(
  engine: NativeEngine,
  { x, scale, shift, y, moments }: Arrays<"x" | "scale" | "shift" | "y" | "moments">,
  { columns, epsilon }: { readonly columns: number; readonly epsilon: number },
): boolean {
  const rows = x.length / columns;
  const [mean, variance] = [new Float32Array(rows), new Float32Array(rows)];
  const plan = layerNormPlan({ rows, columns, epsilon });
  if (!engine.run(plan, x, scale, shift, y, mean, variance)) return false;
  for (let r = 0; r < rows; r++) {
    moments[2 * r] = mean[r]!;
    moments[2 * r + 1] = 1 / Math.sqrt(variance[r]! + epsilon);
  }
  return true;
}

/** dx, dscale and dshift of `layerNormGradientsReference`. */
export function layerNormGradientsByNative(
  engine: NativeEngine,
  { x, scale, moments, dy, dx, dscale, dshift }: Arrays<
    "x" | "scale" | "moments" | "dy" | "dx" | "dscale" | "dshift"
  >,
  { columns }: { readonly columns: number },
): boolean {
  const rows = x.length / columns;
  const [mean, variance] = [new Float32Array(rows), new Float32Array(rows)];
  for (let r = 0; r < rows; r++) {
    mean[r] = moments[2 * r]!;
    variance[r] = 1 / moments[2 * r + 1]! ** 2; // and so ε is 0 below
  }
  const plan = layerNormGradientPlan({ rows, columns, epsilon: 0 });
  return engine.run(plan, x, mean, variance, dy, scale, dx, dscale, dshift);
}
