import assert from "node:assert/strict";
import * as tf from "../../src/core/tf.ts";
import { scaleChannels } from "../../src/ops/scale_channels.ts";
import {
  assertClose,
  assertGradients,
  onEachBackend,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

const example = () => ({
  x: randomTensor<tf.Rank.R4>([2, 1, 7, 5], "x"),
  scale: randomTensor<tf.Rank.R1>([5], "scale"),
});

onEachBackend("scaleChannels() equals a product", async () => {
  const { x, scale } = example();
  await assertClose(scaleChannels(x, scale), tf.mul(x, scale), 1e-7);
});

onEachBackend("scaleChannels() matches finite-difference gradients", async () => {
  const { x, scale } = example();
  await assertGradients(scaleChannels, [x, scale]);
});

onEachBackend("scaleChannels() leaks no tensors", () => {
  const { x, scale } = example();
  assert.equal(tensorsKeptBy(() => scaleChannels(x, scale)), 1);
  assert.equal(tensorsKeptBy(() => tf.grads(scaleChannels)([x, scale])), 2);
});
