import * as tf from "../../src/core/tf.ts";
import { argmaxConfidence } from "../../src/ops/argmax_confidence.ts";
import { assertClose, onEachBackend, randomTensor } from "../support/mod.ts";

onEachBackend("argmaxConfidence() equals argmax and the largest softmax", async () => {
  const logits = tf.mul(randomTensor<tf.Rank.R4>([2, 5, 3, 7]), 4);
  const { labels, confidence } = argmaxConfidence(logits);
  await assertClose(labels, tf.argMax(logits, -1), 0);
  await assertClose(confidence, tf.max(tf.softmax(logits), -1), 1e-6);
});

onEachBackend("argmaxConfidence() takes the first of equal logits", async () => {
  const { labels, confidence } = argmaxConfidence(
    tf.tensor2d([[1, 3, 3], [-900, 0, 900]]),
  );
  await assertClose(labels, [1, 2], 0);
  await assertClose(confidence, [1 / (2 + Math.exp(-2)), 1], 1e-6);
});
