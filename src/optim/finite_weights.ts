/** Whether training has gone astray. @module */
import type { Weights } from "../core/network.ts";
import { countNonFinite } from "../ops/non_finite/non_finite.ts";

/**
 * Whether all weights are finite, by their bits. A GPU may lose a NaN on its way to the loss:
 * there the larger of NaN and 0 may be 0.
 */
export async function areFinite(weights: readonly Weights[]): Promise<boolean> {
  return await countNonFinite(weights.flatMap((set) => [...set.values()])) === 0;
}
