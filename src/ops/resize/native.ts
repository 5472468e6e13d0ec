import type { Arrays } from "../../gpu/kernel.ts";
import type { NativeEngine } from "../../native/engine.ts";
import {
  resizeBilinearGradientPlan,
  resizeBilinearPlan,
} from "../../native/resampling.ts";
import type { BilinearSizes } from "../bilinear/bilinear.ts";

/** y = bilinear resize of x between the centers of pixels. */
export function resizeBilinearByNative(
  engine: NativeEngine,
  { x, y }: Arrays<"x" | "y">,
  sizes: BilinearSizes,
): boolean {
  if (sizes.alignCorners === 1) return false;
  const batch = x.length / (sizes.height * sizes.width * sizes.channels);
  return engine.run(resizeBilinearPlan({ ...sizes, batch }), x, y);
}

/** dx = what each input pixel gave to the outputs. */
export function resizeBilinearGradientByNative(
  engine: NativeEngine,
  { dy, dx }: Arrays<"dy" | "dx">,
  sizes: BilinearSizes,
): boolean {
  if (sizes.alignCorners === 1) return false;
  const batch = dx.length / (sizes.height * sizes.width * sizes.channels);
  return engine.run(resizeBilinearGradientPlan({ ...sizes, batch }), dy, dx);
}
