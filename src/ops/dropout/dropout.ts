import { sliceBatch } from "../../core/batch.ts";
import { rankCount } from "../../core/ranks.ts";
import * as tf from "../../core/tf.ts";
import { defineKernel } from "../../gpu/kernel.ts";
import { launch } from "../../gpu/launch.ts";
import { channelsOf } from "../map_sizes.ts";
import { elementItems } from "../wasm_items.ts";
import uniformAt from "../sample_from_rows/uniform_at.wgsl" with { type: "text" };
import shader from "./dropout.wgsl" with { type: "text" };
import { DROPOUT_UNIFORMS, dropoutFactorsReference } from "./reference.ts";

const ON_DEVICE = defineKernel({
  name: "dropout",
  uniforms: { outer: "u32", inner: "u32", ...DROPOUT_UNIFORMS },
  inputs: { x: "f32" },
  outputs: { out: "f32" },
  shader: uniformAt + shader,
  forwardCountUniform: "forwardIndex",
});

const FACTORS_ON_HOST = defineKernel({
  name: "dropoutFactors",
  uniforms: DROPOUT_UNIFORMS,
  inputs: {},
  outputs: { factors: "f32" },
  wasm(engine, { factors }, { seed, stream, forwardIndex, firstUnit, rate }) {
    const draw = [seed, stream, forwardIndex, firstUnit, rate];
    const args = [...draw, factors.address, factors.length];
    engine.run("dropoutFactors", args, elementItems(factors.length));
  },
  reference: dropoutFactorsReference,
});

/** What one draw of dropout depends on; see `core/random.ts`. */
export interface DropoutRngKey {
  readonly seed: number;
  readonly stream: number;
  readonly iteration: number;
  /** The number of the first sample in a batch that x is a part of. @default {0} */
  readonly sampleOffset?: number;
  /** How many parts of batches x is, one after the other. @default {1} */
  readonly joinedBatches?: number;
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
  { joinedBatches = 1, ...key }: DropoutRngKey,
): T {
  if (rate === 0) return tf.clone(x);
  if (joinedBatches === 1 || rankCount() === 1) return dropPart(x, rate, unit, key);
  const size = (x.shape[0] ?? 0) / joinedBatches;
  return tf.tidy(() => {
    const parts = Array.from({ length: joinedBatches }, (_, i) => {
      const start = i * size;
      // The samples of other ranks are between those of two batches.
      const sampleOffset = (key.sampleOffset ?? 0) + start * rankCount();
      return dropPart(sliceBatch(x, start, size), rate, unit, { ...key, sampleOffset });
    });
    return tf.concat<T>(parts, 0);
  });
}

function dropPart<T extends tf.Tensor>(
  x: T,
  rate: number,
  unit: DropoutUnit,
  { seed, stream, iteration, sampleOffset = 0 }: Omit<DropoutRngKey, "joinedBatches">,
): T {
  const perSample = x.size / (x.shape[0] ?? 1);
  const channels = channelsOf(x);
  // Element i belongs to unit (i / outer) · inner + i mod inner.
  const { outer, inner, perSampleUnits } = {
    element: { outer: 1, inner: 1, perSampleUnits: perSample },
    channel: { outer: perSample, inner: channels, perSampleUnits: channels },
    sample: { outer: perSample, inner: 1, perSampleUnits: 1 },
  }[unit];
  const firstUnit = sampleOffset * perSampleUnits;
  const draw = { firstUnit, seed, stream, forwardIndex: iteration, rate };
  const apply = (x: tf.Tensor) => {
    if (tf.getBackend() === "webgpu") {
      const uniforms = { outer, inner, ...draw };
      return launch(ON_DEVICE, { uniforms, inputs: { x }, outputs: { out: x.shape } })
        .out;
    }
    // One factor per unit is drawn, and XNNPACK multiplies.
    const [groups, rows, columns] = outer === 1
      ? [1, 1, x.size]
      : [x.size / outer, outer / inner, inner];
    return tf.tidy(() => {
      const { factors } = launch(FACTORS_ON_HOST, {
        uniforms: draw,
        inputs: {},
        outputs: { factors: [groups, 1, columns] },
      });
      const product = tf.mul(tf.reshape(x, [groups, rows, columns]), factors);
      return tf.reshape(product, x.shape);
    });
  };
  return tf.differentiable<T>({ x }, () => apply(x), (dy) => ({ x: () => apply(dy) }));
}
