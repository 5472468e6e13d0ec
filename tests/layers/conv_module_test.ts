import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { EVAL_CONTEXT } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import { convNormRelu } from "../../src/layers/conv_module.ts";
import { onEachBackend, randomTensor } from "../support/mod.ts";

const CHANNELS = 16;

onEachBackend("convNormRelu() drops whole channels with an rngKey", async () => {
  const layer = convNormRelu(["conv", "norm"], 3, CHANNELS, {
    kernelSize: 3,
    bias: true,
    dropout: 0.5,
  });
  assert.deepEqual(
    layer.parameters.map(({ name }) => name).slice(0, 3),
    ["conv.weight", "conv.bias", "norm.weight"],
  );
  const weights = initializeWeights(layer.parameters, 1);
  const x = randomTensor<tf.Rank.R4>([1, 5, 7, 3]);
  const activeChannels = async (y: tf.Tensor4D) => {
    assert.deepEqual(y.shape, [1, 5, 7, CHANNELS]);
    const largest: ArrayLike<number> = await readBack(tf.max(y, [0, 1, 2]));
    return Array.from(largest).filter((value) => value > 0).length;
  };
  const rngKey = { seed: 1, stream: 2, iteration: 3 };
  assert.equal(await activeChannels(layer.apply(weights, x, EVAL_CONTEXT)), CHANNELS);
  const remaining = await activeChannels(
    layer.apply(weights, x, { training: false, rngKey }),
  );
  assert.ok(
    remaining > 0 && remaining < CHANNELS,
    `${remaining} of ${CHANNELS} channels are left`,
  );
  releaseWeights(weights);
});
