import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import { IGNORED } from "../../src/core/host_batch.ts";
import * as tf from "../../src/core/tf.ts";
import { softmaxCrossEntropy } from "../../src/ops/cross_entropy.ts";
import { assertGradients, onEachBackend, randomTensor } from "../support/mod.ts";

const labels = () => tf.tensor3d([[[0, 4, IGNORED], [2, 2, 1]]], undefined, "int32");

onEachBackend(
  "softmaxCrossEntropy() has the gradient of finite differences",
  async () => {
    const logits = randomTensor<tf.Rank.R4>([1, 2, 3, 5]);
    await assertGradients((z) => softmaxCrossEntropy(z as tf.Tensor, labels()), [logits]);
  },
);

onEachBackend("softmaxCrossEntropy() is zero where the label is ignored", async () => {
  const logits = randomTensor<tf.Rank.R4>([1, 2, 3, 5]);
  const loss = await readBack(softmaxCrossEntropy(logits, labels()));
  assert.equal(loss[2], 0);
  assert.ok((loss[0] ?? 0) > 0);
});

onEachBackend("softmaxCrossEntropy() is finite for extreme logits", async () => {
  const logits = tf.tensor4d([[[[1e4, -1e4, 0]]]]);
  const label = tf.tensor3d([[[1]]], undefined, "int32");
  assert.deepEqual([...await readBack(softmaxCrossEntropy(logits, label))], [2e4]);
});
