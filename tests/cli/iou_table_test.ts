import assert from "node:assert/strict";
import { iouTable } from "../../src/cli/evaluation_report.ts";

const SCORE = {
  mIoU: 0.5,
  meanAccuracy: 0.975,
  pixelAccuracy: 0.9,
  frequencyWeightedIoU: 0.8,
  classes: [
    { name: "sky", iou: 0.9, accuracy: 0.95 },
    { name: "traffic sign", iou: null, accuracy: null },
    { name: "car", iou: 0.1, accuracy: 1 },
  ],
};

Deno.test("iouTable() is plain columns where nobody watches", () => {
  assert.equal(
    iouTable(SCORE, { isOutTty: false, color: true }),
    [
      "class                         IoU %  accuracy %",
      "sky                           90.00       95.00",
      "traffic sign                      –           –",
      "car                           10.00      100.00",
      "mIoU, mean accuracy           50.00       97.50",
      "weighted IoU, pixel accuracy  80.00       90.00",
    ].join("\n"),
  );
});

Deno.test("iouTable() has rules on a terminal, and colors unless unwanted", () => {
  const plain = iouTable(SCORE, { isOutTty: true, color: false });
  assert.match(plain, /│ sky {26}│ 90\.00 │ {6}95\.00 │/);
  assert(!plain.includes("\x1b"));
  assert(iouTable(SCORE, { isOutTty: true, color: true }).includes("\x1b[1mmIoU"));
});

Deno.test("iouTable() adds means over subsets and along boundaries", () => {
  const subset = { name: "synthia-13", classes: ["sky"], mIoU: 0.9, meanAccuracy: null };
  const trimap = { pixels: 3, mIoU: 0.25, pixelAccuracy: 0.5 };
  const lines = iouTable(
    { ...SCORE, subsets: [subset], trimap },
    { isOutTty: false, color: true },
  ).split("\n");
  assert.match(lines[6] ?? "", /^synthia-13: mIoU, mean accuracy +90\.00 +–$/);
  assert.match(lines[7] ?? "", /^trimap 3: mIoU, mean accuracy +25\.00 +–$/);
  assert.match(lines[8] ?? "", /^trimap 3: weighted IoU, pixel accuracy +– +50\.00$/);
});
