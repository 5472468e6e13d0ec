import assert from "node:assert/strict";
import * as tf from "../../src/core/tf.ts";
import {
  computePseudoLabel,
  insideMargins,
  labelAgreement,
} from "../../src/objectives/pseudo_label.ts";
import { assertClose, onEachBackend, tensorsKeptBy } from "../support/mod.ts";

// Six pixels in a column, two classes; the first two pixels are confident.
const LOGITS = () => tf.tensor4d([0, 9, 9, 0, 0, 1, 1, 0, 0, 0.5, 0, 0], [1, 6, 1, 2]);
const SIZE = [6, 1] as const;
const OPTIONS = { threshold: 0.9, ignoreTop: 1, ignoreBottom: 2 };

onEachBackend(
  "computePseudoLabel() weights all pixels by the confident fraction",
  async () => {
    const { labels, confidence, pixelWeights, confidentShare } = computePseudoLabel(
      LOGITS(),
      SIZE,
      OPTIONS,
    );
    const q = 1 / 3;
    await assertClose(labels, [1, 0, 1, 0, 1, 0], 0);
    await assertClose(confidentShare, [q], 1e-6);
    await assertClose(pixelWeights, [0, q, q, q, 0, 0], 1e-6);
    const confidenceOf = (margin: number) => 1 / (1 + Math.exp(-margin));
    await assertClose(confidence, [9, 9, 1, 1, 0.5, 0].map(confidenceOf), 1e-6);
  },
);

onEachBackend(
  "computePseudoLabel() counts a confidence equal to the threshold",
  async () => {
    const { confidentShare } = computePseudoLabel(tf.zeros([1, 1, 2, 2]), [2, 2], {
      threshold: 0.5,
      ignoreTop: 0,
      ignoreBottom: 0,
    });
    await assertClose(confidentShare, [1], 0);
  },
);

onEachBackend("computePseudoLabel() leaks no tensors", () => {
  const logits = LOGITS();
  assert.equal(tensorsKeptBy(() => computePseudoLabel(logits, SIZE, OPTIONS)), 4);
});

onEachBackend(
  "computePseudoLabel() throws when more rows are ignored than there are",
  () => {
    const options = { threshold: 0.9, ignoreTop: 4, ignoreBottom: 3 };
    assert.throws(() => computePseudoLabel(LOGITS(), SIZE, options), {
      name: "RangeError",
      message:
        'Cannot weight pseudo-labels: "ignoreTop" 4 and "ignoreBottom" 3 are more ' +
        "than the 6 rows of a crop",
    });
  },
);

const labels = (...values: number[]) =>
  tf.tensor3d(values, [1, 1, values.length], "int32");

onEachBackend(
  "labelAgreement() counts pixels that are labeled at least once",
  async () => {
    await assertClose(
      labelAgreement(labels(1, 2, 255, 255, 3), labels(1, 0, 255, 4, 3)),
      [2 / 4],
      1e-6,
    );
    await assertClose(labelAgreement(labels(1, 2), labels(1, 2)), [1], 0);
    await assertClose(labelAgreement(labels(1, 2), labels(0, 255)), [0], 0);
    await assertClose(labelAgreement(labels(255, 255), labels(255, 255)), [1], 0);
  },
);

Deno.test("insideMargins() leaves out edges where a crop shows them", () => {
  const size = { batchSize: 1, height: 3, width: 4 };
  const margins = { top: 1, bottom: 2, left: 1, right: 0 };
  const rows = (
    ...placements: Parameters<typeof insideMargins>[0]["placements"] & object
  ) => {
    const inside = insideMargins({
      ...size,
      batchSize: placements.length || 1,
      placements,
    }, margins);
    return [...inside].join("").match(/..../g);
  };
  const image = { height: 8, width: 9, isFlipped: false };
  assert.deepEqual(rows(), ["0000", "0000", "0000"], "a crop that is an image");
  assert.deepEqual(
    rows(
      { ...image, top: 0, left: 0 },
      { ...image, top: -4, left: -5 },
      { ...image, top: 0, left: -5, isFlipped: true },
      { ...image, top: -2, left: -2 },
      { ...image, height: 2, width: 2, top: 0, left: 1 },
    ),
    [
      ...["0000", "0111", "0111"], // the upper left part
      ...["1111", "1111", "0000"], // the lower right one
      ...["0000", "1110", "1110"], // the upper right one of a mirrored image
      ...["1111", "1111", "1111"], // the middle
      ...["0000", "0000", "0000"], // a small image, all margins
    ],
  );
});
