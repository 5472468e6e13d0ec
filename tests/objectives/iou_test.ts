import assert from "node:assert/strict";
import {
  addToConfusion,
  createConfusion,
  rowsOf,
} from "../../src/objectives/confusion.ts";
import { scoresOf } from "../../src/objectives/iou.ts";

Deno.test("scoresOf() leaves ignored pixels out and absent classes NaN", () => {
  const counts = createConfusion(3);
  addToConfusion(counts, [0, 0, 1, 1, 1], [0, 1, 1, 255, 1]);
  const { classes, mIoU, pixelAccuracy, meanAccuracy, frequencyWeightedIoU } = scoresOf(
    counts,
  );
  assert.deepEqual(classes.map(({ iou }) => iou), [1 / 2, 2 / 3, NaN]);
  assert.deepEqual(classes.map(({ accuracy }) => accuracy), [1, 2 / 3, NaN]);
  assert.equal(pixelAccuracy, 3 / 4);
  assert.ok(Math.abs(mIoU - 7 / 12) < 1e-12);
  assert.ok(Math.abs(meanAccuracy - 5 / 6) < 1e-12);
  // One labelled pixel of class 0, three of class 1.
  assert.ok(Math.abs(frequencyWeightedIoU - (1 / 2 + 3 * 2 / 3) / 4) < 1e-12);
});

Deno.test("scoresOf() becomes null in JSON where a class is absent", () => {
  const [only] = JSON.parse(JSON.stringify(scoresOf(createConfusion(1)).classes));
  assert.deepEqual(only, { iou: null, accuracy: null, dice: null });
});

Deno.test("addToConfusion() throws on a value that is no class", () => {
  assert.throws(() => addToConfusion(createConfusion(2), [0], [2]), {
    name: "RangeError",
    message:
      "Cannot score the label 2 and the prediction 0: both must be in 0 … 1 or the " +
      "label 255",
  });
});

Deno.test("addToConfusion() counts what is taken for what, only where it is told to", () => {
  const counts = createConfusion(2);
  addToConfusion(counts, [0, 1, 1, 1], [0, 0, 1, 255]);
  addToConfusion(counts, [1, 1], [0, 0], [0, 1]);
  assert.deepEqual(rowsOf(counts), [[1, 2], [0, 1]]);
  assert.throws(() => addToConfusion(counts, [0], [0, 1]), /resize the prediction/);
});

Deno.test("scoresOf() counts a class that is only predicted into the mean IoU alone", () => {
  const counts = createConfusion(3);
  addToConfusion(counts, [0, 2], [0, 0]);
  const { mIoU, meanAccuracy, frequencyWeightedIoU, classes } = scoresOf(counts);
  assert.deepEqual(classes.map(({ iou }) => iou), [1 / 2, NaN, 0]);
  assert.deepEqual([mIoU, meanAccuracy, frequencyWeightedIoU], [1 / 4, 1 / 2, 1 / 2]);
});

Deno.test("addToConfusion() counts exactly up to the last safe integer", () => {
  const counts = createConfusion(1);
  counts.counts[0] = Number.MAX_SAFE_INTEGER - 1;
  addToConfusion(counts, [0], [0]);
  assert.equal(rowsOf(counts)[0]?.[0], Number.MAX_SAFE_INTEGER);
});
