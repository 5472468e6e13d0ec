import type { Pass } from "../core/network.ts";
import { streamOf } from "../core/random.ts";
import type * as tf from "../core/tf.ts";
import { dropout as apply, type DropoutUnit } from "../ops/dropout.ts";

/**
 * Dropout that is off where the pass has no chance.
 *
 * @param name Tells the draws of one layer from those of another.
 */
export function dropout<T extends tf.Tensor>(
  name: string,
  x: T,
  rate: number,
  unit: DropoutUnit,
  pass: Pass,
): T {
  if (rate === 0) return x; // without a look at the pass's chance, which counts as a draw
  const { chance } = pass;
  if (chance === null) return x;
  const stream = (chance.stream ^ streamOf(name)) >>> 0;
  return apply(x, rate, unit, { ...chance, stream });
}
