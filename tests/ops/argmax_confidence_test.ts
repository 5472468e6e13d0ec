import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { argmaxConfidence } from "../../src/ops/argmax_confidence/argmax_confidence.ts";
import { upsampledArgmax } from "../../src/ops/argmax_confidence/upsampled_argmax.ts";
import { resizeBilinear } from "../../src/ops/resize/resize.ts";
import { RESIZINGS } from "./resizings.ts";
import {
  assertClose,
  onEachBackend,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

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

const THRESHOLD = 0.9;
const logitsOf = ([h, w]: readonly [number, number], classes = 5) =>
  tf.mul(randomTensor<tf.Rank.R4>([2, h, w, classes]), 4) as tf.Tensor4D;

for (const alignCorners of [false, true]) {
  const alignment = alignCorners ? "with aligned corners" : "with half-pixel centers";
  onEachBackend(`upsampledArgmax() equals resize and argmax, ${alignment}`, async () => {
    for (const classes of [1, 4, 5]) {
      for (const [from, to] of RESIZINGS) {
        const logits = logitsOf(from, classes);
        const found = upsampledArgmax(logits, to, THRESHOLD, { alignCorners });
        const expected = argmaxConfidence(resizeBilinear(logits, to, { alignCorners }));
        const confident = tf.cast(
          tf.greaterEqual(expected.confidence, THRESHOLD),
          "float32",
        );
        await assertClose(found.labels, expected.labels, 0);
        await assertClose(found.confidence, expected.confidence, 2e-6);
        await assertClose(found.confidentShare, tf.mean(confident), 1e-6);
      }
    }
  });
}

onEachBackend("upsampledArgmax() takes the first of equal logits", async () => {
  const logits = tf.tensor4d([0, 3, 3, 3, 7, 1, 0, 0, 0, 7], [1, 2, 1, 5]);
  const { labels } = upsampledArgmax(logits, [2, 1], THRESHOLD);
  await assertClose(labels, [4, 4], 0);
  const uniform = upsampledArgmax(tf.zeros([1, 1, 1, 7]), [3, 3], 1 / 7);
  await assertClose(uniform.labels, Array(9).fill(0), 0);
  assert.deepEqual([...await readBack(uniform.confidentShare)], [1]);
});

onEachBackend("upsampledArgmax() leaks no tensors", () => {
  const logits = logitsOf([3, 4]);
  assert.equal(tensorsKeptBy(() => upsampledArgmax(logits, [12, 16], THRESHOLD)), 3);
});
