import assert from "node:assert/strict";
import * as tf from "../../src/core/tf.ts";
import { pseudoLabel } from "../../src/objectives/pseudo_label.ts";
import { assertClose, onEachBackend, tensorsKeptBy } from "../support/mod.ts";

// Six pixels in a column, two classes; the first two pixels are sure.
const LOGITS = () => tf.tensor4d([0, 9, 9, 0, 0, 1, 1, 0, 0, 0.5, 0, 0], [1, 6, 1, 2]);
const SIZE = [6, 1] as const;
const OPTIONS = { threshold: 0.9, ignoreTop: 1, ignoreBottom: 2 };

onEachBackend("pseudoLabel() weighs all pixels with the confident share", async () => {
  const { labels, confidence, weights, share } = pseudoLabel(LOGITS(), SIZE, OPTIONS);
  const q = 1 / 3;
  await assertClose(labels, [1, 0, 1, 0, 1, 0], 0);
  await assertClose(share, [q], 1e-6);
  await assertClose(weights, [0, q, q, q, 0, 0], 1e-6);
  const sure = (margin: number) => 1 / (1 + Math.exp(-margin));
  await assertClose(confidence, [9, 9, 1, 1, 0.5, 0].map(sure), 1e-6);
});

onEachBackend("pseudoLabel() counts a confidence equal to the threshold", async () => {
  const { share } = pseudoLabel(tf.zeros([1, 1, 2, 2]), [2, 2], {
    threshold: 0.5,
    ignoreTop: 0,
    ignoreBottom: 0,
  });
  await assertClose(share, [1], 0);
});

onEachBackend("pseudoLabel() keeps nothing but its results", () => {
  const logits = LOGITS();
  assert.equal(tensorsKeptBy(() => pseudoLabel(logits, SIZE, OPTIONS)), 4);
});

onEachBackend("pseudoLabel() throws when more rows are ignored than there are", () => {
  const options = { threshold: 0.9, ignoreTop: 4, ignoreBottom: 3 };
  assert.throws(() => pseudoLabel(LOGITS(), SIZE, options), {
    name: "RangeError",
    message: 'Cannot weigh pseudo-labels: "ignoreTop" 4 and "ignoreBottom" 3 are more ' +
      "than the 6 rows of a crop",
  });
});
