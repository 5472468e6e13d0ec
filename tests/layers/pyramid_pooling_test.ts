import assert from "node:assert/strict";
import { EVAL_CONTEXT } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import { poolingBranch } from "../../src/layers/pyramid_pooling.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";

onEachBackend("poolingBranch() with one bin is constant over the map", async () => {
  const layer = poolingBranch("pool", 3, 4, 1);
  assert.deepEqual(
    layer.parameters.map(({ name }) => name).slice(0, 2),
    ["pool.1.conv.weight", "pool.1.bn.weight"],
  );
  const weights = initializeWeights(layer.parameters, 1);
  const x = randomTensor<tf.Rank.R4>([2, 5, 7, 3]);
  const filter = weights.get("pool.1.conv.weight") ?? assert.fail();
  const means = tf.mean(x, [1, 2]); // [B, C]
  const projected = tf.relu(tf.matMul(means, tf.reshape(filter, [3, 4])));
  const expected = tf.tile(tf.reshape(projected, [2, 1, 1, 4]), [1, 5, 7, 1]);
  // Batch norm divides by √(1 + 1e-5) even where its variance is 1.
  await assertClose(layer.apply(weights, x, EVAL_CONTEXT), expected, 1e-4);
  releaseWeights(weights);
});

onEachBackend("poolingBranch() upsamples to the size of odd maps", () => {
  const layer = poolingBranch("pool", 3, 4, 6);
  const weights = initializeWeights(layer.parameters, 1);
  const x = randomTensor<tf.Rank.R4>([1, 11, 9, 3]);
  assert.deepEqual(layer.apply(weights, x, EVAL_CONTEXT).shape, [1, 11, 9, 4]);
  releaseWeights(weights);
});
