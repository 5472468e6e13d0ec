// A teacher with one number per class that predicts the class whose number is nearest to
// the color of a pixel.
import assert from "node:assert/strict";
import { readBack } from "../../src/core/backend.ts";
import type { Batch } from "../../src/core/batch.ts";
import type { Network, Weights } from "../../src/core/network.ts";
import * as tf from "../../src/core/tf.ts";
import {
  createPseudoLabeler,
  maskLowConfidence,
  releasePseudoLabel,
} from "../../src/methods/pseudo_labeler.ts";
import { assertClose, onEachBackend } from "../support/mod.ts";

const network = {
  decoder: {},
  forward(weights: Weights, images: tf.Tensor4D) {
    const numbers = weights.get("numbers") ?? assert.fail();
    const red = tf.slice(images, [0, 0, 0, 0], [...images.shape.slice(0, 3), 1]);
    const logits = tf.neg(tf.square(tf.sub(red, numbers))) as tf.Tensor4D;
    return { features: [], logits, auxiliaryLogits: [] };
  },
} as unknown as Network; // no other member is read

const teacher = (...numbers: number[]): Weights =>
  new Map([["numbers", tf.tensor1d(numbers)]]);
const batchOf = (...red: number[]): Batch => {
  const images = tf.tensor4d(red.flatMap((value) => [value, 0, 0]), [
    1,
    1,
    red.length,
    3,
  ]);
  return { target: { images } } as unknown as Batch;
};
const OPTIONS = {
  confidenceThreshold: 0,
  ignorePadding: false,
  measuresAgreement: true,
};

onEachBackend(
  "createPseudoLabeler() with ignorePadding leaves padding unlabeled",
  async () => {
    const batch = batchOf(1, 0, 3);
    for (
      const [ignorePadding, expected] of [[true, [0, 255, 1]], [false, [
        0,
        0,
        1,
      ]]] as const
    ) {
      const labeler = createPseudoLabeler(network, { ...OPTIONS, ignorePadding });
      const pseudoLabel = labeler.label(teacher(1, 3), batch);
      assert.deepEqual([...await readBack(pseudoLabel.labels)], expected);
      releasePseudoLabel(pseudoLabel);
      labeler.clearCache();
    }
  },
);

onEachBackend(
  "PseudoLabeler.agreement() compares with the previous labels and caches once",
  async () => {
    const batch = batchOf(1, 1.6, 3, 4);
    const labeler = createPseudoLabeler(network, OPTIONS);
    assert.throws(
      () => labeler.agreement(teacher(1, 3), batch),
      /^RangeError: Cannot measure the agreement of pseudo-labels: no earlier ones were stored$/,
    );
    labeler.clearCache();
    releasePseudoLabel(labeler.label(teacher(1, 3), batch)); // 0 0 1 1
    await assertClose(labeler.agreement(teacher(1, 2), batch), [3 / 4], 1e-6); // 0 1 1 1
    await assertClose(labeler.agreement(teacher(1, 4), batch), [3 / 4], 1e-6); // 0 0 1 1
    const cached = labeler.label(teacher(9, 1), batch);
    assert.deepEqual(
      [...await readBack(cached.labels)],
      [0, 0, 1, 1],
      "the cached labels",
    );
    releasePseudoLabel(cached);
    const recomputed = labeler.label(teacher(9, 1), batch);
    assert.deepEqual([...await readBack(recomputed.labels)], [1, 1, 1, 1]);
    releasePseudoLabel(recomputed);
    labeler.clearCache();
  },
);

onEachBackend("maskLowConfidence() ignores pixels below the threshold", async () => {
  const labeler = createPseudoLabeler(network, { ...OPTIONS, confidenceThreshold: 0.9 });
  const pseudoLabel = labeler.label(teacher(1, 3), batchOf(1, 1.9, 2.1, 3));
  assert.deepEqual([...await readBack(maskLowConfidence(pseudoLabel, 0.9))], [
    0,
    255,
    255,
    1,
  ]);
  await assertClose(pseudoLabel.confidentShare, [2 / 4], 1e-6);
  releasePseudoLabel(pseudoLabel);
  labeler.clearCache();
});
