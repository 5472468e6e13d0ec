// deno-lint-ignore-file no-non-null-assertion -- indices are in bounds by construction
import type { Arrays } from "../../gpu/kernel.ts";
import type { NativeEngine } from "../../native/engine.ts";
import { layerNormPlan } from "../../native/normalization.ts";

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
