import assert from "node:assert/strict";
import * as tf from "../../src/core/tf.ts";
import { countNonFinite } from "../../src/ops/non_finite/non_finite.ts";
import { onEachBackend } from "../support/mod.ts";

const SIZE = 10_007; // more than lanes, and no multiple of them

function withWrongOnes(values: readonly number[]): tf.Tensor {
  const x = Float32Array.from({ length: SIZE }, (_, i) => i - 5000);
  values.forEach((value, i) => x[(i + 1) * 997] = value);
  return tf.tensor1d(x);
}

onEachBackend("countNonFinite() counts NaN and both infinities", async () => {
  const wrong = [NaN, Infinity, -Infinity, NaN, 3.4e38, -0, 1e-45];
  const tensors = [withWrongOnes(wrong), tf.scalar(NaN), withWrongOnes([])];
  assert.equal(await countNonFinite(tensors), 5);
  assert.equal(await countNonFinite([withWrongOnes([])]), 0);
});

onEachBackend("countNonFinite() counts what arithmetic on the device made", async () => {
  const large = tf.fill([65], 1e38);
  assert.equal(await countNonFinite([tf.mul(large, 100)]), 65);
});
