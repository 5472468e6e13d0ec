import assert from "node:assert/strict";
import * as tf from "../../src/core/tf.ts";
import { layerNorm } from "../../src/ops/layer_norm/layer_norm.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

const EPSILON = 1e-6;

function example() {
  const x = randomTensor<tf.Rank.R3>([2, 5, 17], "x");
  const scale = randomTensor<tf.Rank.R1>([17], "scale");
  const shift = randomTensor<tf.Rank.R1>([17], "shift");
  return { x, scale, shift };
}

onEachBackend("layerNorm() equals its formula", async () => {
  const { x, scale, shift } = example();
  const { mean, variance } = tf.moments(x, -1, true);
  const normal = tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, EPSILON)));
  const expected = tf.add(tf.mul(normal, scale), shift);
  await assertClose(layerNorm(x, scale, shift, EPSILON), expected, 1e-5);
});

onEachBackend("layerNorm() matches finite-difference gradients", async () => {
  const { x, scale, shift } = example();
  await assertGradients(
    (x, scale, shift) =>
      layerNorm(x as tf.Tensor, scale as tf.Tensor, shift as tf.Tensor, EPSILON),
    [x, scale, shift],
  );
});

onEachBackend("layerNorm() leaks no tensors", () => {
  const { x, scale, shift } = example();
  assert.equal(tensorsKeptBy(() => layerNorm(x, scale, shift, EPSILON)), 1);
});
