import assert from "node:assert/strict";
import { EVALUATION } from "../../src/core/network.ts";
import { initialWeights, releaseWeights } from "../../src/core/weights.ts";
import * as tf from "../../src/core/tf.ts";
import { batchNorm } from "../../src/layers/batch_norm.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";

onEachBackend(
  "batch norm divides by √(variance + ε) with the ε it is given",
  async () => {
    const norm = batchNorm("bn", 2, { epsilon: 3 });
    const weights = initialWeights(norm.parameters, 0); // mean 0, variance 1
    const y = norm.apply(weights, tf.tensor4d([[[[4, -2]]]]), EVALUATION);
    await assertClose(y, tf.tensor4d([[[[2, -1]]]]), 1e-6);
    releaseWeights(weights);
  },
);

onEachBackend("batch norm that does not count has no counter, and trains", async () => {
  const norm = batchNorm("bn", 1, { counted: false });
  assert.deepEqual(
    norm.parameters.map(({ name }) => name),
    ["bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"],
  );
  const weights = initialWeights(norm.parameters, 0);
  const x = tf.tensor4d([1, 3], [1, 1, 2, 1]);
  norm.apply(weights, x, { training: true, chance: null });
  // 0.9 · 0 + 0.1 · 2 and 0.9 · 1 + 0.1 · 2, the variance being unbiased.
  await assertClose(weights.get("bn.running_mean") ?? [], [0.2], 1e-6);
  await assertClose(weights.get("bn.running_var") ?? [], [1.1], 1e-6);
  releaseWeights(weights);
});
