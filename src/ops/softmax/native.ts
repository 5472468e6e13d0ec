import type { Arrays } from "../../gpu/kernel.ts";
import { softmaxGradientPlan, softmaxPlan } from "../../native/element_wise.ts";
import type { NativeEngine } from "../../native/engine.ts";

/** y = softmax of each row of x. */
export function softmaxByNative(
  engine: NativeEngine,
  { x, y }: Arrays<"x" | "y">,
  { columns }: { readonly columns: number },
): boolean {
  return engine.run(softmaxPlan(x.length / columns, columns), x, y);
}

/** dx = y · (dy − Σ dy · y) for each row. */
export function softmaxGradientByNative(
  engine: NativeEngine,
  { y, dy, dx }: Arrays<"y" | "dy" | "dx">,
  { columns }: { readonly columns: number },
): boolean {
  return engine.run(softmaxGradientPlan(y.length / columns, columns), y, dy, dx);
}
