import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import * as tf from "../../src/core/tf.ts";
import { argmaxConfidence } from "../../src/ops/argmax_confidence.ts";
import { resizeBilinear } from "../../src/ops/resize_bilinear.ts";
import { upsampledBelief } from "../../src/ops/upsampled_belief.ts";
import {
  assertClose,
  onEachBackend,
  randomTensor,
  tensorsKeptBy,
} from "../support/mod.ts";

const THRESHOLD = 0.9;
const SIZES: readonly (readonly [from: [number, number], to: [number, number]])[] = [
  [[3, 4], [12, 16]],
  [[3, 2], [7, 13]],
  [[5, 3], [5, 3]],
  [[1, 1], [6, 5]],
  [[9, 7], [4, 2]],
];

const logitsOf = ([h, w]: readonly [number, number], classes = 5) =>
  tf.mul(randomTensor<tf.Rank.R4>([2, h, w, classes]), 4) as tf.Tensor4D;

for (const alignCorners of [false, true]) {
  const how = alignCorners ? "with aligned corners" : "with half-pixel centres";
  onEachBackend(`upsampledBelief() is what its steps give, ${how}`, async () => {
    for (const classes of [1, 4, 5]) {
      for (const [from, to] of SIZES) {
        const logits = logitsOf(from, classes);
        const found = upsampledBelief(logits, to, THRESHOLD, { alignCorners });
        const expected = argmaxConfidence(resizeBilinear(logits, to, { alignCorners }));
        const sure = tf.cast(tf.greaterEqual(expected.confidence, THRESHOLD), "float32");
        await assertClose(found.labels, expected.labels, 0);
        await assertClose(found.confidence, expected.confidence, 2e-6);
        await assertClose(found.share, tf.mean(sure), 1e-6);
      }
    }
  });
}

onEachBackend("upsampledBelief() takes the first of equal logits", async () => {
  const logits = tf.tensor4d([0, 3, 3, 3, 7, 1, 0, 0, 0, 7], [1, 2, 1, 5]);
  const { labels } = upsampledBelief(logits, [2, 1], THRESHOLD);
  await assertClose(labels, [4, 4], 0);
  const flat = upsampledBelief(tf.zeros([1, 1, 1, 7]), [3, 3], 1 / 7);
  await assertClose(flat.labels, Array(9).fill(0), 0);
  assert.deepEqual([...await readBack(flat.share)], [1]);
});

onEachBackend("upsampledBelief() keeps nothing but its results", () => {
  const logits = logitsOf([3, 4]);
  assert.equal(tensorsKeptBy(() => upsampledBelief(logits, [12, 16], THRESHOLD)), 3);
});
