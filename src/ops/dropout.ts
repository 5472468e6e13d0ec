import * as tf from "../core/tf.ts";
import { dropout as run, type DropoutSizes } from "../kernels/dropout/mod.ts";

/** What one draw of dropout depends on; see `core/random.ts`. */
export interface DropoutKey {
  readonly seed: number;
  readonly stream: number;
  readonly iteration: number;
  /** The number of the first sample in a batch that x is a part of. @default {0} */
  readonly first?: number;
}

/** Which elements fall together: each alone, channels of an image, or whole samples. */
export type DropoutUnit = "element" | "channel" | "sample";

/**
 * Sets whole units to zero with probability `rate` and scales the others by 1 / (1 − rate).
 *
 * Units of channels are `Dropout2d`; units of samples are stochastic depth (drop path).
 *
 * @param x [B, …, C]
 * @param rate In [0, 1).
 * @returns Like x; the caller owns it.
 */
export function dropout<T extends tf.Tensor>(
  x: T,
  rate: number,
  unit: DropoutUnit,
  { first = 0, ...key }: DropoutKey,
): T {
  if (rate === 0) return tf.clone(x);
  const perSample = x.size / (x.shape[0] ?? 1);
  const groups = {
    element: { outer: 1, inner: 1 },
    channel: { outer: perSample, inner: x.shape[x.rank - 1] ?? 1 },
    sample: { outer: perSample, inner: 1 },
  } satisfies Record<DropoutUnit, Pick<DropoutSizes, "outer" | "inner">>;
  const units = { element: perSample, channel: groups.channel.inner, sample: 1 };
  const sizes = { ...groups[unit], ...key, before: first * units[unit], rate };
  return tf.differentiable<T>(
    { x },
    () => run(x, sizes),
    (dy) => ({ x: () => run(dy, sizes) }),
  );
}
