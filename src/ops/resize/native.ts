import type { Arrays } from "../../gpu/kernel.ts";
import type { NativeEngine } from "../../native/engine.ts";
import { resizeBilinearPlan } from "../../native/resampling.ts";
import type { BilinearSizes } from "../bilinear/bilinear.ts";

/** y = bilinear resize of x between the centers of pixels. Its gradient is slow in oneDNN. */
export function resizeBilinearByNative(
  engine: NativeEngine,
  { x, y }: Arrays<"x" | "y">,
  sizes: BilinearSizes,
): boolean {
  if (sizes.alignCorners === 1) return false;
  const batch = x.length / (sizes.height * sizes.width * sizes.channels);
  return engine.run(resizeBilinearPlan({ ...sizes, batch }), x, y);
}
