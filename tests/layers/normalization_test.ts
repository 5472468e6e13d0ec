import assert from "node:assert/strict";
import { EVAL_CONTEXT } from "../../src/core/network.ts";
import { initializeWeights, releaseWeights } from "../../src/core/weights.ts";
import * as tf from "../../src/core/tf.ts";
import { batchNorm } from "../../src/layers/normalization.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";

onEachBackend(
  "batchNorm() divides by √(variance + epsilon)",
  async () => {
    const norm = batchNorm("bn", 2, { epsilon: 3 });
    const weights = initializeWeights(norm.parameters, 0); // mean 0, variance 1
    const y = norm.apply(weights, tf.tensor4d([[[[4, -2]]]]), EVAL_CONTEXT);
    await assertClose(y, tf.tensor4d([[[[2, -1]]]]), 1e-6);
    releaseWeights(weights);
  },
);

onEachBackend("batchNorm() without countBatches has no counter and trains", async () => {
  const norm = batchNorm("bn", 1, { countBatches: false });
  assert.deepEqual(
    norm.parameters.map(({ name }) => name),
    ["bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"],
  );
  const weights = initializeWeights(norm.parameters, 0);
  const x = tf.tensor4d([1, 3], [1, 1, 2, 1]);
  norm.apply(weights, x, { training: true, rngKey: null });
  // 0.9 · 0 + 0.1 · 2 and 0.9 · 1 + 0.1 · 2, the variance being unbiased.
  await assertClose(weights.get("bn.running_mean") ?? [], [0.2], 1e-6);
  await assertClose(weights.get("bn.running_var") ?? [], [1.1], 1e-6);
  releaseWeights(weights);
});
