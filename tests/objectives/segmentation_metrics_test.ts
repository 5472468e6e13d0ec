import assert from "node:assert/strict";
import {
  addToConfusionMatrix,
  computeMetrics,
  confusionRows,
  createConfusionMatrix,
} from "../../src/objectives/segmentation_metrics.ts";

Deno.test("computeMetrics() skips ignored pixels and is NaN for absent classes", () => {
  const counts = createConfusionMatrix(3);
  addToConfusionMatrix(counts, [0, 0, 1, 1, 1], [0, 1, 1, 255, 1]);
  const { classes, mIoU, pixelAccuracy, meanAccuracy, frequencyWeightedIoU } =
    computeMetrics(
      counts,
    );
  assert.deepEqual(classes.map(({ iou }) => iou), [1 / 2, 2 / 3, NaN]);
  assert.deepEqual(classes.map(({ accuracy }) => accuracy), [1, 2 / 3, NaN]);
  assert.equal(pixelAccuracy, 3 / 4);
  assert.ok(Math.abs(mIoU - 7 / 12) < 1e-12);
  assert.ok(Math.abs(meanAccuracy - 5 / 6) < 1e-12);
  // One labeled pixel of class 0, three of class 1.
  assert.ok(Math.abs(frequencyWeightedIoU - (1 / 2 + 3 * 2 / 3) / 4) < 1e-12);
});

Deno.test("computeMetrics() is null in JSON for absent classes", () => {
  const [absentClass] = JSON.parse(
    JSON.stringify(computeMetrics(createConfusionMatrix(1)).classes),
  );
  assert.deepEqual(absentClass, { iou: null, accuracy: null, dice: null });
});

Deno.test("addToConfusionMatrix() rejects a label that is no class", () => {
  assert.throws(() => addToConfusionMatrix(createConfusionMatrix(2), [0], [2]), {
    name: "RangeError",
    message:
      "Cannot score the label 2 and the prediction 0: both must be in 0 … 1 or the " +
      "label 255",
  });
});

Deno.test("addToConfusionMatrix() counts label and prediction pairs within the mask only", () => {
  const counts = createConfusionMatrix(2);
  addToConfusionMatrix(counts, [0, 1, 1, 1], [0, 0, 1, 255]);
  addToConfusionMatrix(counts, [1, 1], [0, 0], [0, 1]);
  assert.deepEqual(confusionRows(counts), [[1, 2], [0, 1]]);
  assert.throws(() => addToConfusionMatrix(counts, [0], [0, 1]), /resize the prediction/);
});

Deno.test("computeMetrics() counts a class that is only predicted in the mean IoU only", () => {
  const counts = createConfusionMatrix(3);
  addToConfusionMatrix(counts, [0, 2], [0, 0]);
  const { mIoU, meanAccuracy, frequencyWeightedIoU, classes } = computeMetrics(counts);
  assert.deepEqual(classes.map(({ iou }) => iou), [1 / 2, NaN, 0]);
  assert.deepEqual([mIoU, meanAccuracy, frequencyWeightedIoU], [1 / 4, 1 / 2, 1 / 2]);
});

Deno.test("addToConfusionMatrix() counts exactly up to the last safe integer", () => {
  const counts = createConfusionMatrix(1);
  counts.counts[0] = Number.MAX_SAFE_INTEGER - 1;
  addToConfusionMatrix(counts, [0], [0]);
  assert.equal(confusionRows(counts)[0]?.[0], Number.MAX_SAFE_INTEGER);
});
