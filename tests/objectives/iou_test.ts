import assert from "node:assert/strict";
import { addToCounts, createCounts, scoresOf } from "../../src/objectives/iou.ts";

Deno.test("scoresOf() leaves ignored pixels out and absent classes NaN", () => {
  const counts = createCounts(3);
  addToCounts(counts, [0, 0, 1, 1, 1], [0, 1, 1, 255, 1]);
  const { classes, mIoU, pixelAccuracy, meanAccuracy } = scoresOf(counts);
  assert.deepEqual(classes.map(({ iou }) => iou), [1 / 2, 2 / 3, NaN]);
  assert.deepEqual(classes.map(({ accuracy }) => accuracy), [1, 2 / 3, NaN]);
  assert.equal(pixelAccuracy, 3 / 4);
  assert.ok(Math.abs(mIoU - 7 / 12) < 1e-12);
  assert.ok(Math.abs(meanAccuracy - 5 / 6) < 1e-12);
});

Deno.test("scoresOf() becomes null in JSON where a class is absent", () => {
  const [only] = JSON.parse(JSON.stringify(scoresOf(createCounts(1)).classes));
  assert.deepEqual(only, { iou: null, accuracy: null, dice: null });
});

Deno.test("addToCounts() throws on a value that is no class", () => {
  assert.throws(() => addToCounts(createCounts(2), [0], [2]), {
    name: "RangeError",
    message:
      "Cannot score the label 2 and the prediction 0: both must be in 0 … 1 or the " +
      "label 255",
  });
});
