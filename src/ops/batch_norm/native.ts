import type { Arrays } from "../../gpu/kernel.ts";
import type { NativeEngine } from "../../native/engine.ts";
import { normalizePlan } from "../../native/normalization.ts";

/** y = (x − mean) / √(variance + ε) · scale + shift per column. */
export function normalizeByNative(
  engine: NativeEngine,
  { x, mean, variance, scale, shift, y }: Arrays<
    "x" | "mean" | "variance" | "scale" | "shift" | "y"
  >,
  { columns, epsilon }: { readonly columns: number; readonly epsilon: number },
): boolean {
  const plan = normalizePlan({ rows: x.length / columns, columns, epsilon });
  return engine.run(plan, x, mean, variance, scale, shift, y);
}
