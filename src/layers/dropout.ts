import { deriveRngKey, type ForwardContext } from "../core/network.ts";
import type * as tf from "../core/tf.ts";
import { dropout as dropUnits, type DropoutUnit } from "../ops/dropout/dropout.ts";

/**
 * Dropout and drop path, which are off where the context has no RNG key.
 *
 * @param name Of the layer: each has draws of its own.
 * @returns x itself where nothing is dropped.
 */
export function dropout<T extends tf.Tensor>(
  name: string,
  x: T,
  rate: number,
  unit: DropoutUnit,
  context: ForwardContext,
): T {
  if (rate === 0) return x; // without reading the key, which counts as a draw
  const { rngKey } = context;
  if (rngKey === null) return x;
  return dropUnits(x, rate, unit, deriveRngKey(rngKey, name));
}
