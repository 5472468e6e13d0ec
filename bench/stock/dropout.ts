import * as tf from "../../src/core/tf.ts";
import { dropoutFactors } from "../../src/kernels/dropout/reference.ts";
import type { DropoutKey, DropoutUnit } from "../../src/ops/dropout.ts";

/**
 * A product with factors that are drawn on the host, as tfjs draws all its chance; here
 * from the same numbers as ours, so that both networks drop the same.
 */
export function dropout<T extends tf.Tensor>(
  x: T,
  rate: number,
  unit: DropoutUnit,
  key: DropoutKey,
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
  const factors = new Float32Array(shape.reduce((all, side) => all * side, 1));
  dropoutFactors(factors, { ...key, rate, before: 0 });
  return tf.tidy(() => tf.mul(x, tf.tensor(factors, shape)));
}
