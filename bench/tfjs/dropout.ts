import * as tf from "../../src/core/tf.ts";
import { dropoutFactorsReference } from "../../src/ops/dropout/reference.ts";
import type { DropoutRngKey, DropoutUnit } from "../../src/ops/dropout/dropout.ts";

/**
 * A product with factors that are drawn on the host, as tfjs draws all random numbers; here
 * the same numbers as ours, so that both networks drop the same.
 */
export function dropout<T extends tf.Tensor>(
  x: T,
  rate: number,
  unit: DropoutUnit,
  { seed, stream, iteration }: DropoutRngKey,
): T {
  if (rate === 0) return tf.clone(x);
  const [B = 1] = x.shape;
  const C = x.shape[x.rank - 1] ?? 1;
  const middle = x.shape.slice(1, -1).map(() => 1);
  const shapes: Record<DropoutUnit, number[]> = {
    element: x.shape,
    channel: [B, ...middle, C],
    sample: [B, ...middle, 1],
  };
  const shape = shapes[unit];
  const factors = new Float32Array(tf.util.sizeFromShape(shape));
  const draw = { firstUnit: 0, seed, stream, forwardIndex: iteration, rate };
  dropoutFactorsReference({ factors }, draw);
  return tf.tidy(() => tf.mul(x, tf.tensor(factors, shape)));
}
