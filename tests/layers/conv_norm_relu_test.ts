import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { EVALUATION } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initialWeights, releaseWeights } from "../../src/core/weights.ts";
import { convNormRelu } from "../../src/layers/conv_norm_relu.ts";
import { onEachBackend, randomTensor } from "../support/mod.ts";

const CHANNELS = 16;

onEachBackend("convNormRelu() drops whole channels where there is chance", async () => {
  const layer = convNormRelu(["conv", "norm"], 3, CHANNELS, {
    kernel: 3,
    bias: true,
    dropout: 0.5,
  });
  assert.deepEqual(
    layer.parameters.map(({ name }) => name).slice(0, 3),
    ["conv.weight", "conv.bias", "norm.weight"],
  );
  const weights = initialWeights(layer.parameters, 1);
  const x = randomTensor<tf.Rank.R4>([1, 5, 7, 3]);
  const lit = async (y: tf.Tensor4D) => {
    assert.deepEqual(y.shape, [1, 5, 7, CHANNELS]);
    const largest: ArrayLike<number> = await readBack(tf.max(y, [0, 1, 2]));
    return Array.from(largest).filter((value) => value > 0).length;
  };
  const chance = { seed: 1, stream: 2, iteration: 3 };
  assert.equal(await lit(layer.apply(weights, x, EVALUATION)), CHANNELS);
  const some = await lit(layer.apply(weights, x, { training: false, chance }));
  assert.ok(some > 0 && some < CHANNELS, `${some} of ${CHANNELS} channels are left`);
  releaseWeights(weights);
});
