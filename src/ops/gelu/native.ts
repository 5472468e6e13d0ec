import type { Arrays } from "../../gpu/kernel.ts";
import { geluGradientPlan, geluPlan } from "../../native/element_wise.ts";
import type { NativeEngine } from "../../native/engine.ts";

/** out = x · Φ(x). */
export function geluByNative(
  engine: NativeEngine,
  { x, out }: Arrays<"x" | "out">,
): boolean {
  return engine.run(geluPlan(x.length), x, out);
}

/** dx = dy · (Φ(x) + x · φ(x)). */
export function geluGradientByNative(
  engine: NativeEngine,
  { x, dy, dx }: Arrays<"x" | "dy" | "dx">,
): boolean {
  return engine.run(geluGradientPlan(x.length), x, dy, dx);
}
